import { type AttentionSegment, type RowSpan, spanLength } from '../attention-plan';
import { PANEL, SET_WORDS, USE_WORDS } from './opcodes';

/** Queries a thread takes at once: enough to reuse a block of keys, few enough to stay in cache. */
export const LONGEST_RUN = 32;
/** Keys per block, at most. */
const LONGEST_BLOCK = 256;

/** A plan's segments as the kernel reads them; the words of each entry stand in `opcodes.ts`. */
export interface AttentionTables {
  readonly runs: Int32Array;
  readonly sets: Int32Array;
  readonly uses: Int32Array;
  readonly spans: SpanTable;
  /** Rows of the output. */
  readonly queries: number;
  /** Keys that all queries together look at, those that sets share counted once. */
  readonly meetings: number;
}

/** Spans of keys that are packed, each once. */
export interface SpanTable {
  readonly words: Int32Array;
  /** Rows, each span's padded to whole panels. */
  readonly packedRows: number;
  /** Rows of the scales of values; see `packValuesInt8`. */
  readonly scaleRows: number;
  /** Keys per block, at most. */
  readonly block: number;
}

/**
 * Cuts queries into runs, and collects the spans of keys they look at.
 *
 * @param columns of the grid of relative positions, 0 where there is none: queries of one row share its codes, so runs
 *   are whole rows where those are short.
 */
export function attentionTables(
  segments: readonly AttentionSegment[],
  columns: number,
): AttentionTables {
  const step =
    columns > 0 && columns <= LONGEST_RUN
      ? Math.floor(LONGEST_RUN / columns) * columns
      : LONGEST_RUN;
  const known = new Map<string, number>();
  const distinct: RowSpan[] = [];
  const [runs, sets, uses]: [number[], number[], number[]] = [[], [], []];
  let [queries, meetings] = [0, 0];
  for (const segment of segments) {
    const first = sets.length / SET_WORDS;
    const shared = sharedSpans(segment.keys);
    segment.keys.forEach((set, s) => {
      sets.push(uses.length / USE_WORDS, set.length);
      set.forEach((span, u) => {
        const key = `${span.start} ${span.end}`;
        const index = known.get(key) ?? distinct.push(span) - 1;
        known.set(key, index);
        uses.push(index, span.position ?? 0);
        if (s === 0 || u >= shared) meetings += spanLength(span) * spanLength(segment.queries);
      });
    });
    const { start, end, position = 0 } = segment.queries;
    for (let at = start; at < end;) {
      const count = Math.min(step, end - at);
      runs.push(at, position + at - start, count, queries, first, segment.keys.length, shared);
      queries += count;
      at += count;
    }
  }
  return {
    runs: Int32Array.from(runs),
    sets: Int32Array.from(sets),
    uses: Int32Array.from(uses),
    spans: spanTable(distinct),
    queries,
    meetings,
  };
}

/** Spans to be packed, one after the other. */
export function spanTable(spans: readonly RowSpan[]): SpanTable {
  let [packedRows, scaleRows, largest] = [0, 0, 0];
  const words = spans.flatMap((span) => {
    const rows = spanLength(span);
    const block = keysPerBlock(rows);
    const entry = [span.start, rows, block, packedRows, scaleRows];
    packedRows += wholePanels(rows);
    scaleRows += 1 + Math.ceil(rows / block);
    largest = Math.max(largest, block);
    return entry;
  });
  return { words: Int32Array.from(words), packedRows, scaleRows, block: largest };
}

/** How many spans all sets begin with. */
function sharedSpans([first, ...others]: readonly (readonly RowSpan[])[]): number {
  if (others.length === 0) return 0;
  const same = (a: RowSpan, b: RowSpan | undefined) =>
    a.start === b?.start && a.end === b.end && (a.position ?? 0) === (b.position ?? 0);
  const end = first.findIndex((span, i) => !others.every((set) => same(span, set[i])));
  return end < 0 ? first.length : end;
}

/** Keys per block: whole panels of 16, blocks of equal size. */
function keysPerBlock(keys: number): number {
  const blocks = Math.ceil(keys / LONGEST_BLOCK);
  return wholePanels(Math.ceil(keys / blocks));
}

/** Scratch of one thread, in bytes; the layout is in `assembly/attention.ts`. */
export function attentionScratch(
  d: number,
  grid: { readonly rows: number; readonly columns: number },
  block: number,
  int8: boolean,
): number {
  const [A, B] = [wholePanels(grid.rows), wholePanels(grid.columns)];
  const floats = 5 * wholePanels(d) + A + B + block + 16 + 4;
  const bytes = int8 ? 256 + LONGEST_RUN * (d + 16 + block) : 0;
  return Math.ceil((LONGEST_RUN * floats * 4 + bytes) / 64) * 64;
}

export function wholePanels(length: number): number {
  return Math.ceil(length / PANEL) * PANEL;
}
