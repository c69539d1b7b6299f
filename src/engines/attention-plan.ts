import { InvalidInputError } from '../base/errors';
import type { EngineTensor } from './engine';

/** Rows `[start, end)` of a matrix. */
export type RowRange = readonly [start: number, end: number];

/** Rows of a token matrix that lie together, and where they lie in a picture. */
export interface RowSpan {
  /** First row. */
  readonly start: number;
  /** One past the last row. */
  readonly end: number;
  /** Position of the first row, row by row of the plan's grid; the others follow it. @default 0 */
  readonly position?: number;
}

/** Queries that look at the same keys. */
export interface AttentionSegment {
  /** Rows that ask. */
  readonly queries: RowSpan;
  /**
   * Sets of keys, each the spans that are looked at together. With several sets the output is the mean of what each
   * gives alone. Spans that all sets begin with are looked at once.
   */
  readonly keys: readonly (readonly RowSpan[])[];
}

/** Decomposed relative position of one attention layer (Li et al. 2021, arXiv:2112.01526, eq. 3), on a grid `A x B`. */
export interface RelativePosition<Tensor extends EngineTensor = EngineTensor> {
  /** `(A * A, d)`: row `i * A + k` is the code of a query in grid row `i` for keys in grid row `k`. */
  readonly rows: Tensor;
  /** `(B * B, d)`, likewise for columns. */
  readonly columns: Tensor;
}

/**
 * Which rows look at which, in words that know no picture: a canvas, windows, cross-attention are different segments.
 * Windows whose rows do not lie together are gathered first, and padded by who gathers them: {@link Engine.gatherRows}.
 */
export interface AttentionPlan<Tensor extends EngineTensor = EngineTensor> {
  /** Number of heads; it divides the width. */
  readonly heads: number;
  /** `d`, columns of one head. */
  readonly headWidth: number;
  /** The output has the queries' rows in this order. */
  readonly segments: readonly AttentionSegment[];
  /** Added to scores by the positions of query and key. Spans of queries then cover whole rows of the grid. */
  readonly relative?: RelativePosition<Tensor> | null;
  /** `(heads, P, P')`, a learned table added to scores: entry `(head, position of the query, position of the key)`. */
  readonly bias?: Tensor | null;
}

/** Columns `[column, column + heads * d)` of a matrix: query, key and value may be parts of one product. */
export interface HeadColumns<Tensor extends EngineTensor = EngineTensor> {
  /** `(R, …)` */
  readonly tensor: Tensor;
  /** @default 0 */
  readonly column?: number;
}

/** Query, key and value side by side in one matrix `(R, 3 * heads * d)`, as most transformers compute them. */
export function fusedHeads<Tensor extends EngineTensor>(
  qkv: Tensor,
): [q: HeadColumns<Tensor>, k: HeadColumns<Tensor>, v: HeadColumns<Tensor>] {
  const width = qkv.shape[1] / 3;
  return [{ tensor: qkv }, { tensor: qkv, column: width }, { tensor: qkv, column: 2 * width }];
}

/** `A` and `B` of a plan's relative positions. */
export function relativeGrid({ rows, columns }: RelativePosition): {
  rows: number;
  columns: number;
} {
  return { rows: Math.sqrt(rows.shape[0]), columns: Math.sqrt(columns.shape[0]) };
}

/** Rows that a span has. */
export function spanLength({ start, end }: RowSpan): number {
  return end - start;
}

/** @throws InvalidInputError if a plan and what it is to be carried out on do not fit together. */
export function checkAttention(
  q: HeadColumns,
  k: HeadColumns,
  v: HeadColumns,
  { heads, headWidth, segments, relative, bias }: AttentionPlan,
): void {
  const width = heads * headWidth;
  const parts = { q, k, v };
  for (const [name, { tensor, column = 0 }] of Object.entries(parts)) {
    if (tensor.shape.length !== 2 || column + width > tensor.shape[1]) {
      throw new InvalidInputError(
        name,
        `must have columns ${column} to ${column + width}, has the shape (${tensor.shape.join(', ')}).`,
      );
    }
  }
  if (k.tensor.shape[0] !== v.tensor.shape[0])
    throw new InvalidInputError('v', 'must have as many rows as the keys.');
  const grid = relative && relativeGrid(relative);
  const check = (span: RowSpan, rows: number, positions: number, what: string) => {
    const { start, end, position = 0 } = span;
    if (!(start >= 0 && end > start && end <= rows))
      throw new InvalidInputError('plan', `has ${what} ${start} to ${end} of ${rows} rows.`);
    if (position < 0 || position + end - start > positions)
      throw new InvalidInputError(
        'plan',
        `has ${what} outside its grid of ${positions} positions.`,
      );
  };
  const most = (table: number | undefined) =>
    Math.min(grid ? grid.rows * grid.columns : Infinity, table ?? Infinity);
  for (const { queries, keys } of segments) {
    check(queries, q.tensor.shape[0], most(bias?.shape[1]), 'queries');
    if (grid && ((queries.position ?? 0) % grid.columns || spanLength(queries) % grid.columns)) {
      throw new InvalidInputError(
        'plan',
        `has queries that are not whole rows of ${grid.columns} positions.`,
      );
    }
    if (keys.length === 0 || keys.some((set) => set.length === 0))
      throw new InvalidInputError('plan', 'has queries without keys.');
    for (const set of keys)
      for (const span of set) check(span, k.tensor.shape[0], most(bias?.shape[2]), 'keys');
  }
}
