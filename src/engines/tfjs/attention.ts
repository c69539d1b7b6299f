import type * as tfjs from '@tensorflow/tfjs';
import type { AttentionOptions, RelativePosition, RowRange, TokenLayout } from '../engine';
import { attend, timesTransposed } from './products';

/** A run of query rows inside one half. */
interface Piece {
  /** Half of the token matrix: 0 … N-1 prompts, then targets. */
  readonly half: number;
  /** Rows of the token matrix. */
  readonly start: number;
  readonly end: number;
}

/**
 * Multi-head attention with decomposed relative position; see `Engine.attention`.
 *
 * Relative position is folded into the product: a query is lengthened by its row terms (`2h`) and
 * column terms (`w`), a key by one-hot codes of its row and column. Their product is then
 * `q·k + row term + column term`, and no `L x L` bias is ever built.
 */
export function attention(
  tf: typeof tfjs,
  qkv: tfjs.Tensor2D, // (R, 3D)
  layout: TokenLayout,
  options: AttentionOptions,
): tfjs.Tensor2D {
  const { prompts, targets, rows, columns } = layout;
  const { heads, relative } = options;
  const half = rows * columns;
  const D = qkv.shape[1] / 3;
  const d = D / heads;
  const queries = options.queries ?? [[0, (prompts + targets) * half] as const];
  const pieces = queries.flatMap((range) => splitByHalf(range, half));
  const targetOf = (canvas: number) => prompts + (targets === 1 ? 0 : canvas);
  const codes = relative && keyCodes(tf, rows, columns); // (L, 2h + w)

  /** Rows of one of query (0), key (1) and value (2), by head: `(heads, rows, d)`. */
  const byHead = (matrix: tfjs.Tensor2D, part: number) =>
    tf
      .slice(matrix, [0, part * D], [-1, D])
      .reshape<tfjs.Tensor3D>([-1, heads, d])
      .transpose<tfjs.Tensor3D>([1, 0, 2]);

  const outputs: (tfjs.Tensor2D | undefined)[] = pieces.map(() => undefined);
  for (let canvas = 0; canvas < prompts; canvas++) {
    const target = targetOf(canvas);
    const wanted = pieces
      .map((piece, i) => ({ piece, i }))
      .filter(({ piece }) => piece.half === canvas || piece.half === target);
    if (wanted.length === 0) continue;
    const results = tf.tidy(() => {
      const keyRows = tf.concat2d(
        [sliceHalf(tf, qkv, canvas, half), sliceHalf(tf, qkv, target, half)],
        0,
      ); // (L, 3D)
      let key = byHead(keyRows, 1); // (heads, L, d)
      const value = byHead(keyRows, 2);
      if (codes)
        key = tf.concat3d([key, tf.tile(codes.expandDims<tfjs.Tensor3D>(0), [heads, 1, 1])], 2);
      return wanted.map(({ piece }) => {
        const query = byHead(tf.slice(qkv, [piece.start, 0], [piece.end - piece.start, 3 * D]), 0); // (heads, Lq, d)
        let scaled: tfjs.Tensor3D = query.mul(1 / Math.sqrt(d));
        if (relative) {
          const inHalf = (piece.start - piece.half * half) / columns;
          const firstRow = piece.half === canvas ? inHalf : rows + inHalf;
          scaled = tf.concat3d(
            [scaled, ...relativeTerms(tf, query, relative, firstRow, layout)],
            2,
          );
        }
        return attend(tf, scaled, key, value).transpose([1, 0, 2]).reshape<tfjs.Tensor2D>([-1, D]); // (Lq, D)
      });
    });
    wanted.forEach(({ i }, j) => {
      // A shared target half collects one output from every canvas.
      outputs[i] = outputs[i] ? outputs[i].add(results[j]) : results[j];
    });
  }
  const shared = targets === 1 && prompts > 1;
  const parts = pieces.map((piece, i) => {
    const sum = outputs[i] as tfjs.Tensor2D;
    return shared && piece.half === prompts ? sum.mul<tfjs.Tensor2D>(1 / prompts) : sum;
  });
  return tf.concat2d(parts, 0);
}

function splitByHalf([start, end]: RowRange, half: number): Piece[] {
  const pieces: Piece[] = [];
  for (let at = start; at < end;) {
    const index = Math.floor(at / half);
    const stop = Math.min(end, (index + 1) * half);
    pieces.push({ half: index, start: at, end: stop });
    at = stop;
  }
  return pieces;
}

function sliceHalf(
  tf: typeof tfjs,
  matrix: tfjs.Tensor2D,
  index: number,
  half: number,
): tfjs.Tensor2D {
  return tf.slice(matrix, [index * half, 0], [half, matrix.shape[1]]);
}

/** One-hot row and column codes of every key of a canvas: `(L, 2h + w)`. */
function keyCodes(tf: typeof tfjs, rows: number, columns: number): tfjs.Tensor2D {
  const width = 2 * rows + columns;
  const codes = new Float32Array(2 * rows * columns * width);
  for (let r = 0; r < 2 * rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (r * columns + c) * width;
      codes[at + r] = 1;
      codes[at + 2 * rows + c] = 1;
    }
  }
  return tf.tensor2d(codes, [2 * rows * columns, width]);
}

/**
 * Row and column terms of whole token rows of queries: `(heads, Lq, 2h)` and `(heads, Lq, w)`.
 *
 * @param query `(heads, Lq, d)`, not scaled: the official model adds positions to the unscaled query.
 * @param firstRow canvas row of the first query.
 */
function relativeTerms(
  tf: typeof tfjs,
  query: tfjs.Tensor3D,
  relative: RelativePosition,
  firstRow: number,
  { rows, columns }: TokenLayout,
): [tfjs.Tensor3D, tfjs.Tensor3D] {
  const [heads, length, d] = query.shape;
  const count = length / columns; // token rows of queries
  const canvasRows = 2 * rows;
  const rowCodes = (relative.rows as tfjs.Tensor2D).reshape<tfjs.Tensor3D>([
    canvasRows,
    canvasRows,
    d,
  ]);
  const columnCodes = (relative.columns as tfjs.Tensor2D).reshape<tfjs.Tensor3D>([
    columns,
    columns,
    d,
  ]);
  const grid = query.reshape<tfjs.Tensor4D>([heads, count, columns, d]);

  const byRow = grid.transpose([1, 0, 2, 3]).reshape<tfjs.Tensor3D>([count, heads * columns, d]);
  const codesOfRows = tf.slice(rowCodes, [firstRow, 0, 0], [count, canvasRows, d]);
  const rowTerms = timesTransposed(tf, byRow, codesOfRows) // (count, heads * w, 2h)
    .reshape([count, heads, columns, canvasRows])
    .transpose([1, 0, 2, 3])
    .reshape<tfjs.Tensor3D>([heads, length, canvasRows]);

  const byColumn = grid.transpose([2, 0, 1, 3]).reshape<tfjs.Tensor3D>([columns, heads * count, d]);
  const columnTerms = timesTransposed(tf, byColumn, columnCodes) // (w, heads * count, w)
    .reshape([columns, heads, count, columns])
    .transpose([1, 2, 0, 3])
    .reshape<tfjs.Tensor3D>([heads, length, columns]);
  return [rowTerms, columnTerms];
}
