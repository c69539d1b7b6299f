import type { PictureGrid } from '../engine';
import { type Activated, Op } from './opcodes';
import { recordLinear } from './record-linear';
import type { Recorder } from './recorder';
import type { WasmLinear, WasmTensor } from './wasm-tensor';

/** Neighbourhoods written out at once, in bytes: nine times the pixels, so not all of a large picture's. */
const MOST_BYTES = 4 << 20;

/** A 3x3 convolution: what it reads and where it writes. */
export interface ConvolutionCall {
  /** `(images * H * W, channels)` */
  readonly x: WasmTensor;
  /** `9 * channels` to outputs. */
  readonly layer: WasmLinear;
  /** `(images * rows * columns, outputs)` */
  readonly out: WasmTensor;
  readonly grid: PictureGrid;
  readonly stride: number;
  /** Of the result. */
  readonly rows: number;
  readonly columns: number;
  readonly activation: Activated;
}

/** A convolution as a product of neighbourhoods, some rows of pixels after the other. */
export function recordConvolution(recorder: Recorder, call: ConvolutionCall): void {
  const { x, layer, out, grid, stride, rows, columns, activation } = call;
  const { inputs, outputs } = layer;
  const all = grid.images * rows;
  const rowBytes = 4 * columns * inputs;
  const step = Math.min(all, Math.max(1, Math.floor(MOST_BYTES / rowBytes)));
  recorder.withScratch((take) => {
    const neighbourhoods = take(step * rowBytes);
    for (let first = 0; first < all; first += step) {
      const count = Math.min(step, all - first);
      recorder.record(Op.Neighbourhoods, count, count * columns * inputs, [
        x.address,
        neighbourhoods,
        grid.rows,
        grid.columns,
        inputs / 9,
        stride,
        rows,
        columns,
        first,
      ]);
      recordLinear(recorder, {
        x: neighbourhoods,
        rows: count * columns,
        layer,
        out: out.address + 4 * first * columns * outputs,
        residual: 0,
        activation,
      });
    }
  });
}
