import type * as tfjs from '@tensorflow/tfjs';
import {
  type AttentionPlan,
  type AttentionSegment,
  type HeadColumns,
  type RelativePosition,
  relativeGrid,
  type RowSpan,
  spanLength,
} from '../attention-plan';
import { attend, timesTransposed } from './products';

/** Scores held at once, unless one segment has more. */
const MOST_SCORES = 1 << 24;

type Columns = HeadColumns<tfjs.Tensor>;

/**
 * Multi-head attention; see `Engine.attention`. Segments of one shape are computed together.
 *
 * Relative position is folded into the product: a query is lengthened by its row terms (`A`) and
 * column terms (`B`), a key by one-hot codes of its row and column. Their product is then
 * `q·k + row term + column term`, and no `L x L` bias is ever built.
 */
export function attention(
  tf: typeof tfjs,
  q: Columns,
  k: Columns,
  v: Columns,
  plan: AttentionPlan<tfjs.Tensor>,
): tfjs.Tensor2D {
  const parts = batches(plan).map((segments) =>
    tf.tidy(() => {
      const queries = segments.map((segment) => segment.queries);
      const outputs = segments[0].keys.map((_, set) =>
        tf.tidy(() => {
          const keys = segments.map((segment) => segment.keys[set]);
          return attendTo(tf, q, k, v, plan, queries, keys);
        }),
      );
      return outputs.length === 1
        ? outputs[0]
        : tf.addN(outputs).mul<tfjs.Tensor2D>(1 / outputs.length);
    }),
  );
  return parts.length === 1 ? parts[0] : tf.concat2d(parts, 0);
}

/** Consecutive segments of one shape, as many as may be held at once. */
function batches({ segments, heads }: AttentionPlan): AttentionSegment[][] {
  const result: AttentionSegment[][] = [];
  let last = '';
  let room = 0;
  for (const segment of segments) {
    const { queries, keys } = segment;
    // Set by set: one that ends a span earlier is another shape, though all spans together are alike.
    const shape = JSON.stringify([[queries], ...keys].map((spans) => spans.map(lengthAndPosition)));
    const length = Math.max(
      ...keys.map((set) => set.reduce((sum, span) => sum + spanLength(span), 0)),
    );
    const scores = heads * spanLength(queries) * length;
    if (shape !== last || room < scores) {
      result.push([]);
      room = MOST_SCORES;
    }
    result[result.length - 1].push(segment);
    last = shape;
    room -= scores;
  }
  return result;
}

function lengthAndPosition(span: RowSpan): [length: number, position: number] {
  return [spanLength(span), span.position ?? 0];
}

/**
 * `S` spans of queries of one shape, each with its own set of keys, likewise of one shape.
 *
 * @returns `(S * Lq, heads * d)`
 */
function attendTo(
  tf: typeof tfjs,
  q: Columns,
  k: Columns,
  v: Columns,
  plan: AttentionPlan<tfjs.Tensor>,
  queries: readonly RowSpan[],
  keys: readonly (readonly RowSpan[])[],
): tfjs.Tensor2D {
  const { heads, headWidth: d, relative, bias } = plan;
  const S = queries.length;
  /** `(S * heads, rows, d)` */
  const byHead = (columns: Columns, spans: readonly RowSpan[]) =>
    takeSpans(tf, columns, heads * d, spans)
      .reshape([S, -1, heads, d])
      .transpose([0, 2, 1, 3])
      .reshape<tfjs.Tensor3D>([S * heads, -1, d]);
  const query = byHead(q, queries); // (S * heads, Lq, d)
  let key = byHead(k, keys.flat()); // (S * heads, L, d)
  const value = byHead(v, keys.flat());
  let scaled: tfjs.Tensor3D = query.mul(1 / Math.sqrt(d));
  if (relative) {
    const codes = keyCodes(tf, keys[0], relative).expandDims<tfjs.Tensor3D>(0); // (1, L, A + B)
    key = tf.concat3d([key, tf.tile(codes, [S * heads, 1, 1])], 2);
    const terms = relativeTerms(tf, query, relative, queries[0].position ?? 0);
    scaled = tf.concat3d([scaled, ...terms], 2);
  }
  const added = bias && tf.tile(biasOf(tf, bias as tfjs.Tensor3D, queries[0], keys[0]), [S, 1, 1]);
  return attend(tf, scaled, key, value, added)
    .reshape([S, heads, -1, d])
    .transpose([0, 2, 1, 3])
    .reshape<tfjs.Tensor2D>([-1, heads * d]);
}

/** Rows of the spans, one after the other; what lies together is taken together. */
function takeSpans(
  tf: typeof tfjs,
  { tensor, column = 0 }: Columns,
  width: number,
  spans: readonly RowSpan[],
): tfjs.Tensor2D {
  const runs: [start: number, end: number][] = [];
  for (const { start, end } of spans) {
    const last = runs.at(-1);
    if (last && last[1] === start) last[1] = end;
    else runs.push([start, end]);
  }
  const slices = runs.map(([start, end]) =>
    tf.slice(tensor as tfjs.Tensor2D, [start, column], [end - start, width]),
  );
  return slices.length === 1 ? slices[0] : tf.concat2d(slices, 0);
}

/** The part of a bias table that belongs to queries and keys: `(heads, Lq, L)`. */
function biasOf(
  tf: typeof tfjs,
  bias: tfjs.Tensor3D,
  queries: RowSpan,
  keys: readonly RowSpan[],
): tfjs.Tensor3D {
  const [heads] = bias.shape;
  const first = queries.position ?? 0;
  return tf.concat3d(
    keys.map((span) =>
      tf.slice(
        bias,
        [0, first, span.position ?? 0],
        [heads, spanLength(queries), spanLength(span)],
      ),
    ),
    2,
  );
}

/** One-hot row and column codes of every key: `(L, A + B)`. */
function keyCodes(
  tf: typeof tfjs,
  keys: readonly RowSpan[],
  relative: RelativePosition<tfjs.Tensor>,
): tfjs.Tensor2D {
  const { rows: A, columns: B } = relativeGrid(relative);
  const positions = keys.flatMap((span) =>
    Array.from({ length: spanLength(span) }, (_, i) => (span.position ?? 0) + i),
  );
  const codes = new Float32Array(positions.length * (A + B));
  positions.forEach((position, i) => {
    codes[i * (A + B) + Math.floor(position / B)] = 1;
    codes[i * (A + B) + A + (position % B)] = 1;
  });
  return tf.tensor2d(codes, [positions.length, A + B]);
}

/**
 * Row and column terms of whole grid rows of queries: `(n, Lq, A)` and `(n, Lq, B)`.
 *
 * @param query `(n, Lq, d)`, not scaled: positions are added to the unscaled query.
 * @param position of the first query.
 */
function relativeTerms(
  tf: typeof tfjs,
  query: tfjs.Tensor3D,
  relative: RelativePosition<tfjs.Tensor>,
  position: number,
): [tfjs.Tensor3D, tfjs.Tensor3D] {
  const [n, length, d] = query.shape;
  const { rows: A, columns: B } = relativeGrid(relative);
  const count = length / B; // grid rows of queries
  const rowCodes = relative.rows.reshape<tfjs.Tensor3D>([A, A, d]);
  const columnCodes = relative.columns.reshape<tfjs.Tensor3D>([B, B, d]);
  const grid = query.reshape<tfjs.Tensor4D>([n, count, B, d]);

  const byRow = grid.transpose([1, 0, 2, 3]).reshape<tfjs.Tensor3D>([count, n * B, d]);
  const codesOfRows = tf.slice(rowCodes, [position / B, 0, 0], [count, A, d]);
  const rowTerms = timesTransposed(tf, byRow, codesOfRows) // (count, n * B, A)
    .reshape([count, n, B, A])
    .transpose([1, 0, 2, 3])
    .reshape<tfjs.Tensor3D>([n, length, A]);

  const byColumn = grid.transpose([2, 0, 1, 3]).reshape<tfjs.Tensor3D>([B, n * count, d]);
  const columnTerms = timesTransposed(tf, byColumn, columnCodes) // (B, n * count, B)
    .reshape([B, n, count, B])
    .transpose([1, 2, 0, 3])
    .reshape<tfjs.Tensor3D>([n, length, B]);
  return [rowTerms, columnTerms];
}
