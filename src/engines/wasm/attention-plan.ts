import type { RowRange, TokenLayout } from '../engine';

/** Queries a thread takes at once: enough to reuse a block of keys, few enough to stay in cache. */
const LONGEST_RUN = 32;
/** Keys per block, at most. */
const LONGEST_BLOCK = 256;

/** Consecutive queries of one half. */
export interface QueryRun {
  /** Half of the token matrix: 0 … N-1 prompts, then targets. */
  readonly half: number;
  /** First row within the half. */
  readonly start: number;
  readonly count: number;
  /** First row of the output. */
  readonly output: number;
}

/** Cuts the rows asked for into runs, in whole token rows where those are short. */
export function queryRuns(ranges: readonly RowRange[], { rows, columns }: TokenLayout): QueryRun[] {
  const half = rows * columns;
  const step = columns <= LONGEST_RUN ? Math.floor(LONGEST_RUN / columns) * columns : LONGEST_RUN;
  const runs: QueryRun[] = [];
  let output = 0;
  for (const [first, end] of ranges) {
    for (let at = first; at < end;) {
      const index = Math.floor(at / half);
      const start = at - index * half;
      const count = Math.min(step, end - at, half - start);
      runs.push({ half: index, start, count, output });
      output += count;
      at += count;
    }
  }
  return runs;
}

/** Keys per block: whole panels of 16, blocks of equal size. */
export function keysPerBlock(keys: number): number {
  const blocks = Math.ceil(keys / LONGEST_BLOCK);
  return Math.ceil(keys / blocks / 16) * 16;
}

/** Scratch of one thread, in bytes; the layout is in `assembly/attention.ts`. */
export function attentionScratch(
  d: number,
  { rows, columns }: TokenLayout,
  block: number,
  int8: boolean,
): number {
  const round = (value: number) => Math.ceil(value / 16) * 16;
  const floats = 5 * round(d) + round(2 * rows) + round(columns) + block + 16 + 4;
  const bytes = int8 ? 256 + LONGEST_RUN * (d + 16 + block) : 0;
  return Math.ceil((LONGEST_RUN * floats * 4 + bytes) / 64) * 64;
}

export { LONGEST_RUN };
