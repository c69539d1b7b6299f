import { BackendError } from '../../base/errors';
import type { PaintingGrid } from '../engine';
import { Op, PANEL } from './opcodes';
import type { Recorder } from './recorder';
import type { WasmLinear, WasmTensor } from './wasm-tensor';

/** Pixel rows per tile. */
const STRIP = 4;

/** The decoder's head: what it reads and where it writes. */
export interface PaintingHeadCall {
  /** `(images * rows * columns, patch² * channels)` */
  readonly features: WasmTensor;
  /** `(images, rows * patch, columns * patch, 3)` */
  readonly out: WasmTensor;
  readonly grid: PaintingGrid;
  /** 3 x 3, channels to channels; then channels to 3. Both in float32. */
  readonly convolution: WasmLinear;
  readonly colors: WasmLinear;
  /** Layer norm between them, `(channels)` each. */
  readonly gamma: WasmTensor;
  readonly beta: WasmTensor;
  readonly epsilon: number;
}

/** @throws BackendError for a layer that is not in float32. */
export function requireExact(...layers: readonly WasmLinear[]): void {
  if (layers.some(({ packing }) => packing !== 'f32')) {
    throw new BackendError(
      'The painting head computes in float32: load its layers with `exact: true`.',
    );
  }
}

/** Pixel shuffle, convolution, layer norm, GELU and colours in one; see `assembly/painting-head.ts`. */
export function recordPaintingHead(recorder: Recorder, call: PaintingHeadCall): void {
  const { features, out, grid, convolution, colors, gamma, beta, epsilon } = call;
  const { images, rows, columns, patch } = grid;
  const channels = convolution.outputs;
  const [height, width] = [rows * patch, columns * patch];
  const strip = (STRIP + 2) * (width + 2) * channels;
  const scratch = 64 + 4 * Math.ceil((strip + width * channels + width * PANEL) / 16) * 16;
  const cost = images * height * width * channels * (18 * channels + 60);
  recorder.withScratch((take) =>
    recorder.record(Op.PaintingHead, images * Math.ceil(height / STRIP), cost, [
      features.address,
      out.address,
      images,
      rows,
      columns,
      patch,
      channels,
      convolution.weights,
      convolution.bias,
      gamma.address,
      beta.address,
      { float: epsilon },
      colors.weights,
      colors.bias,
      STRIP,
      take(scratch * recorder.threads),
      scratch,
    ]),
  );
}
