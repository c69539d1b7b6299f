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
  /** Multiply bytes instead of floats, if `d` is a multiple of 4. */
  readonly int8: boolean;
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

    const int8 = call.int8 && d % 4 === 0;
    const block = keysPerBlock(half);
    const matrices = halves * heads;
    const packing = [half, d, 12 * D, half * 12 * D, 4 * d, heads];
    const [keyRows, valueWidth] = [wholePanels(half), wholePanels(d)];
    const pack = (op: Op, part: number, bytes: number, ...scales: number[]) => {
      const to = take(bytes);
      recorder.record(op, matrices, halves * half * D, [
        qkv.address + 4 * part * D,
        to,
        ...packing,
        ...scales,
      ]);
      return to;
    };
    const keySteps = int8 ? take(4 * matrices * keyRows) : 0;
    const valueScales = int8 ? take(4 * matrices * (1 + Math.ceil(half / block)) * valueWidth) : 0;
    const keys = int8
      ? pack(Op.PackKeysInt8, 1, matrices * keyRows * d, keySteps)
      : pack(Op.PackKeys, 1, 4 * matrices * keyRows * d);
    const values = int8
      ? pack(Op.PackValuesInt8, 2, matrices * keyRows * valueWidth, valueScales, block)
      : pack(Op.PackValues, 2, 4 * matrices * half * valueWidth);
    const codes = ({ address }: WasmTensor, length: number) => {
      const packed = take(4 * length * wholePanels(length) * d);
      const grid = [length, d, 4 * d, length * d * 4, 0, 1];
      recorder.record(Op.PackKeys, length, length * length * d, [address, packed, ...grid]);
      return packed;
    };
    const rowCodes = relative ? codes(relative.rows, 2 * rows) : 0;
    const columnCodes = relative ? codes(relative.columns, columns) : 0;

    const scratch = attentionScratch(d, layout, block, int8);
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
      keySteps,
      valueScales,
    ]);
  });
}

function wholePanels(length: number): number {
  return Math.ceil(length / PANEL) * PANEL;
}
