import { Activated, Op, PANEL, PanelType } from './opcodes';
import { paddedDepth } from './pack-linear';
import { recordActivation, recordSum } from './record-flat';
import type { Recorder } from './recorder';
import { rowsPerTile } from './tiles';
import type { WasmLinear } from './wasm-tensor';

/** One product: `out = x Wᵀ + bias`, then an activation, then a residual. */
export interface LinearCall {
  /** Address of `(rows, inputs)`. */
  readonly x: number;
  readonly rows: number;
  readonly layer: WasmLinear;
  /** Address of `(rows, outputs)`. */
  readonly out: number;
  /** Address of `(rows, outputs)`; 0 for none. */
  readonly residual: number;
  readonly activation: Activated;
}

/** Bytes a thread needs for float products: 64, and one expanded half-precision panel. */
const GEMM_SCRATCH = 64 + 256 * PANEL * 4;
const INT8_SCRATCH = 256;
/** Bytes of left-hand rows per tile of a product: a share of the L2 cache. */
const ROW_BLOCK_BYTES = 256 << 10;
const PANELS_PER_TILE = 16;

/**
 * The products themselves know GELU, which most layers have; what else is applied is a pass of its own, and a residual
 * then one more.
 */
export function recordLinear(recorder: Recorder, call: LinearCall): void {
  const { activation, residual, out, rows, layer } = call;
  const record = layer.packing === 'int8' ? recordBytes : recordFloats;
  if (activation === Activated.None || activation === Activated.Gelu) return record(recorder, call);
  record(recorder, { ...call, activation: Activated.None, residual: 0 });
  const count = rows * layer.outputs;
  recordActivation(recorder, out, out, count, activation);
  if (residual) recordSum(recorder, out, residual, out, count, 1);
}

function recordFloats(recorder: Recorder, call: LinearCall): void {
  const { x, rows, layer, out, residual, activation } = call;
  const { inputs, outputs } = layer;
  const rowBytes = 4 * Math.min(inputs, 256);
  const { rowStep, panelStep, tiles } = productTiles(rows, rowBytes, outputs, recorder.threads);
  recorder.withScratch((take) =>
    recorder.record(Op.Gemm, tiles, 2 * rows * inputs * outputs, [
      x,
      layer.weights,
      layer.bias,
      out,
      residual,
      rows,
      inputs,
      outputs,
      activation === Activated.Gelu ? 1 : 0,
      rowStep,
      panelStep,
      layer.packing === 'f16' ? PanelType.Float16 : PanelType.Float32,
      take(GEMM_SCRATCH * recorder.threads),
      GEMM_SCRATCH,
    ]),
  );
}

/** Rounds the left-hand rows to bytes, then multiplies. */
function recordBytes(recorder: Recorder, call: LinearCall): void {
  const { x, rows, layer, out, residual, activation } = call;
  const { inputs, outputs } = layer;
  const stride = paddedDepth(inputs);
  const wholeTiles = Math.ceil(rows / 4) * 4;
  recorder.withScratch((take) => {
    const bytes = take(wholeTiles * stride);
    const parameters = take(wholeTiles * 16);
    const step = rowsPerTile(4 * inputs);
    recorder.record(Op.QuantizeRows, Math.ceil(rows / step), 4 * rows * inputs, [
      x,
      bytes,
      parameters,
      rows,
      inputs,
      stride,
      step,
    ]);
    const { rowStep, panelStep, tiles } = productTiles(rows, stride, outputs, recorder.threads);
    recorder.record(Op.GemmInt8, tiles, rows * inputs * outputs, [
      bytes,
      parameters,
      layer.weights,
      layer.bias,
      out,
      residual,
      rows,
      stride,
      outputs,
      activation === Activated.Gelu ? 1 : 0,
      rowStep,
      panelStep,
      layer.scales,
      layer.sums,
      take(INT8_SCRATCH * recorder.threads),
      INT8_SCRATCH,
    ]);
  });
}

/** Cuts a product into tiles that suit the cache and leave every thread several. */
function productTiles(rows: number, rowBytes: number, outputs: number, threads: number) {
  const panels = Math.ceil(outputs / PANEL);
  const most = Math.max(4, Math.floor(ROW_BLOCK_BYTES / rowBytes / 4) * 4);
  let blocks = Math.ceil(rows / most);
  let panelStep = Math.min(panels, PANELS_PER_TILE);
  while (blocks * Math.ceil(panels / panelStep) < 4 * threads && panelStep > 1)
    panelStep = Math.ceil(panelStep / 2);
  while (blocks * Math.ceil(panels / panelStep) < 4 * threads && rows / blocks > 8) blocks *= 2;
  const rowStep = Math.max(4, Math.ceil(rows / blocks / 4) * 4);
  return { rowStep, panelStep, tiles: Math.ceil(rows / rowStep) * Math.ceil(panels / panelStep) };
}
