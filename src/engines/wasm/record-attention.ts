import type { TokenLayout } from '../engine';
import { attentionScratch, keysPerBlock, LONGEST_RUN, type QueryRun } from './attention-plan';
import { Op, PANEL } from './opcodes';
import type { Recorder } from './recorder';
import type { WasmTensor } from './wasm-tensor';

/** One attention: what it reads and where it writes. */
export interface AttentionCall {
  /** `(R, 3D)` */
  readonly qkv: WasmTensor;
  /** `(queries, D)`, rows in the order of `runs`. */
  readonly out: WasmTensor;
  readonly runs: readonly QueryRun[];
  readonly layout: TokenLayout;
  readonly heads: number;
  /** Relative positions spread over the grid, `(2h * 2h, d)` and `(w * w, d)`; `null` where the model has none. */
  readonly relative: { readonly rows: WasmTensor; readonly columns: WasmTensor } | null;
}

/** Packs keys, values and position codes for the kernel, then attends; see `assembly/attention.ts`. */
export function recordAttention(recorder: Recorder, call: AttentionCall): void {
  const { qkv, out, runs, layout, heads, relative } = call;
  const { prompts, targets, rows, columns } = layout;
  const D = qkv.shape[1] / 3;
  const d = D / heads;
  const half = rows * columns;
  const halves = prompts + targets;
  recorder.withScratch((take) => {
    const table = take(16 * runs.length, true);
    const words = new Int32Array(recorder.memory.buffer, table, 4 * runs.length);
    runs.forEach(({ half: index, start, count, output }, i) =>
      words.set([index, start, count, output], 4 * i),
    );

    const keys = take(4 * halves * heads * wholePanels(half) * d);
    const values = take(4 * halves * heads * half * wholePanels(d));
    const packing = [half, d, 12 * D, half * 12 * D, 4 * d, heads];
    recorder.record(Op.PackKeys, halves * heads, halves * half * D, [
      qkv.address + 4 * D,
      keys,
      ...packing,
    ]);
    recorder.record(Op.PackValues, halves * heads, halves * half * D, [
      qkv.address + 8 * D,
      values,
      ...packing,
    ]);
    const codes = ({ address }: WasmTensor, length: number) => {
      const packed = take(4 * length * wholePanels(length) * d);
      const grid = [length, d, 4 * d, length * d * 4, 0, 1];
      recorder.record(Op.PackKeys, length, length * length * d, [address, packed, ...grid]);
      return packed;
    };
    const rowCodes = relative ? codes(relative.rows, 2 * rows) : 0;
    const columnCodes = relative ? codes(relative.columns, columns) : 0;

    const block = keysPerBlock(half);
    const scratch = attentionScratch(d, layout, block);
    const shared = targets === 1 ? (prompts + 1) / 2 : 1;
    const work = runs.reduce((sum, run) => sum + run.count * (run.half >= prompts ? shared : 1), 0);
    recorder.record(Op.Attention, runs.length * heads, work * 2 * half * D * 5, [
      qkv.address,
      keys,
      values,
      rowCodes,
      columnCodes,
      table,
      out.address,
      heads,
      d,
      prompts,
      targets,
      rows,
      columns,
      block,
      LONGEST_RUN,
      take(scratch * recorder.threads),
      scratch,
      { float: 1 / Math.sqrt(d) },
      runs.length,
    ]);
  });
}

function wholePanels(length: number): number {
  return Math.ceil(length / PANEL) * PANEL;
}
