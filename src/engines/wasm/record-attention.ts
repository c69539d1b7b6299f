import { type AttentionPlan, type HeadColumns, relativeGrid } from '../attention-plan';
import {
  attentionScratch,
  type AttentionTables,
  LONGEST_RUN,
  spanTable,
  type SpanTable,
  wholePanels,
} from './attention-tables';
import { Op, RUN_WORDS, SPAN_WORDS } from './opcodes';
import type { Recorder } from './recorder';
import type { WasmTensor } from './wasm-tensor';

/** Keys for each query from which rounding to bytes pays. */
const MANY_KEYS = 32;

type Columns = HeadColumns<WasmTensor>;

/** Spans of a matrix, `count` heads each, and where their table lies. */
interface PackedSpans {
  readonly count: number;
  readonly spans: SpanTable;
  readonly words: number;
}

/** One attention: what it reads and where it writes. */
export interface AttentionCall {
  readonly q: Columns;
  readonly k: Columns;
  readonly v: Columns;
  readonly plan: AttentionPlan<WasmTensor>;
  readonly tables: AttentionTables;
  /** `(queries, heads * d)` */
  readonly out: WasmTensor;
  /** Multiply bytes instead of floats, if `d` is a multiple of 4 and there are keys enough. */
  readonly int8: boolean;
}

/** Packs keys, values and position codes for the kernel, then attends; see `assembly/attention.ts`. */
export function recordAttention(recorder: Recorder, call: AttentionCall): void {
  const { q, k, v, plan, tables, out } = call;
  const { heads, headWidth: d, relative, bias } = plan;
  const { spans, runs } = tables;
  const int8 = call.int8 && d % 4 === 0 && tables.meetings >= MANY_KEYS * tables.queries;
  const grid = relative ? relativeGrid(relative) : { rows: 0, columns: 0 };
  recorder.withScratch((take) => {
    const table = (words: Int32Array) => {
      const address = take(4 * words.length, true);
      new Int32Array(recorder.memory.buffer, address, words.length).set(words);
      return address;
    };
    /** Packs every head of every span of `columns`; returns where. */
    const pack = (
      op: Op,
      columns: Columns,
      packed: PackedSpans,
      bytes: number,
      ...scales: number[]
    ) => {
      const { count, spans, words } = packed;
      const to = take(bytes);
      const { tensor, column = 0 } = columns;
      const [from, stride] = [tensor.address + 4 * column, 4 * tensor.shape[1]];
      const tiles = (spans.words.length / SPAN_WORDS) * count;
      recorder.record(op, tiles, spans.packedRows * count * d, [
        from,
        to,
        d,
        stride,
        count,
        words,
        ...scales,
      ]);
      return to;
    };
    const spanWords = table(spans.words);
    const all = { count: heads, spans, words: spanWords };
    const packedRows = spans.packedRows * heads;
    const valueWidth = wholePanels(d);
    const keySteps = int8 ? take(4 * packedRows) : 0;
    const valueScales = int8 ? take(4 * spans.scaleRows * heads * valueWidth) : 0;
    const keys = int8
      ? pack(Op.PackKeysInt8, k, all, packedRows * d, keySteps)
      : pack(Op.PackKeys, k, all, 4 * packedRows * d);
    const values = int8
      ? pack(Op.PackValuesInt8, v, all, packedRows * valueWidth, valueScales)
      : pack(Op.PackValues, v, all, 4 * packedRows * valueWidth);
    /** `length` matrices of `length` codes. */
    const codes = (tensor: WasmTensor, length: number) => {
      const matrices = spanTable(
        Array.from({ length }, (_, i) => ({ start: i * length, end: (i + 1) * length })),
      );
      const each = { count: 1, spans: matrices, words: table(matrices.words) };
      return pack(Op.PackKeys, { tensor }, each, 4 * matrices.packedRows * d);
    };
    const rowCodes = relative ? codes(relative.rows, grid.rows) : 0;
    const columnCodes = relative ? codes(relative.columns, grid.columns) : 0;

    const scratch = attentionScratch(d, grid, spans.block, int8);
    const count = runs.length / RUN_WORDS;
    recorder.record(Op.Attention, count * heads, tables.meetings * heads * d * 5, [
      q.tensor.address + 4 * (q.column ?? 0),
      4 * q.tensor.shape[1],
      keys,
      values,
      keySteps,
      valueScales,
      rowCodes,
      columnCodes,
      bias?.address ?? 0,
      bias?.shape[1] ?? 0,
      bias?.shape[2] ?? 0,
      table(runs),
      table(tables.sets),
      table(tables.uses),
      spanWords,
      out.address,
      heads,
      d,
      grid.rows,
      grid.columns,
      spans.block,
      LONGEST_RUN,
      take(scratch * recorder.threads),
      scratch,
      { float: 1 / Math.sqrt(d) },
      count,
    ]);
  });
}
