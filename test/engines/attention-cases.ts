/** Attention plans at random, and what they mean, number by number. */
import fc from 'fast-check';
import type {
  AttentionPlan,
  AttentionSegment,
  Engine,
  HeadColumns,
  RowSpan,
} from '../../src/engines/engine';
import { randomFloats } from './wasm/helpers';

export interface AttentionCase {
  readonly heads: number;
  readonly headWidth: number;
  /** Rows of the matrix of queries and of that of keys and values. */
  readonly queryRows: number;
  readonly keyRows: number;
  readonly segments: readonly AttentionSegment[];
  /** Grid of relative positions. */
  readonly grid: { readonly rows: number; readonly columns: number } | null;
  /** Positions of a bias table. */
  readonly bias: { readonly queries: number; readonly keys: number } | null;
  readonly seed: number;
}

/** Cases of odd sizes. `quarters`: heads are whole fours wide, as bytes want them. */
export function attentionCases(quarters = false): fc.Arbitrary<AttentionCase> {
  const size = (max: number) => fc.integer({ min: 1, max });
  return fc
    .record({
      heads: size(3),
      width: size(quarters ? 10 : 40),
      grid: fc.record({ rows: size(7), columns: size(36) }),
      relative: fc.boolean(),
      biased: fc.boolean(),
      spans: fc.array(fc.record({ first: fc.nat(), length: fc.nat() }), {
        minLength: 1,
        maxLength: 4,
      }),
      segments: fc.array(
        fc.record({
          first: fc.nat(),
          length: fc.nat(),
          sets: fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), {
            minLength: 1,
            maxLength: 3,
          }),
          shared: fc.boolean(),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      seed: fc.nat(1000),
    })
    .map((raw) => {
      const { rows, columns } = raw.grid;
      const positions = rows * columns;
      /** Whole grid rows: as queries under relative positions have to be. */
      const rowSpan = ({ first, length }: { first: number; length: number }): RowSpan => {
        const from = first % rows;
        const count = 1 + (length % (rows - from));
        const position = from * columns;
        return { start: position + 3, end: position + count * columns + 3, position };
      };
      const keySpans = raw.spans.map(({ first, length }): RowSpan => {
        const position = first % positions;
        const count = 1 + (length % (positions - position));
        return { start: position + 2, end: position + 2 + count, position };
      });
      const segments = raw.segments.map(({ sets, shared, ...span }) => {
        const keys = sets.map((set) => set.map((index) => keySpans[index % keySpans.length]));
        return {
          queries: rowSpan(span),
          keys: shared ? keys.map((set) => [keySpans[0], ...set]) : keys,
        };
      });
      return {
        heads: raw.heads,
        headWidth: quarters ? 4 * raw.width : raw.width,
        queryRows: positions + 5,
        keyRows: positions + 4,
        segments,
        grid: raw.relative ? raw.grid : null,
        bias: raw.biased ? { queries: positions, keys: positions } : null,
        seed: raw.seed,
      };
    });
}

interface Values {
  /** `(rows, 2 * heads * d + 1)`: queries begin at column 1. */
  readonly q: Float32Array;
  /** `(rows, 2 * heads * d)`: keys, then values. */
  readonly kv: Float32Array;
  readonly rowCodes: Float32Array;
  readonly columnCodes: Float32Array;
  readonly bias: Float32Array;
}

function valuesOf({
  heads,
  headWidth,
  queryRows,
  keyRows,
  grid,
  bias,
  seed,
}: AttentionCase): Values {
  const D = heads * headWidth;
  return {
    q: randomFloats(queryRows * (D + 1), seed).map((value) => 2 * value),
    kv: randomFloats(keyRows * 2 * D, seed + 1).map((value) => 2 * value),
    rowCodes: randomFloats(grid ? grid.rows ** 2 * headWidth : 0, seed + 2),
    columnCodes: randomFloats(grid ? grid.columns ** 2 * headWidth : 0, seed + 3),
    bias: randomFloats(bias ? heads * bias.queries * bias.keys : 0, seed + 4),
  };
}

/** A case in an engine's memory. */
export function headsOf(
  engine: Engine,
  each: AttentionCase,
): { q: HeadColumns; k: HeadColumns; v: HeadColumns; plan: AttentionPlan } {
  const { heads, headWidth, queryRows, keyRows, segments, grid, bias } = each;
  const D = heads * headWidth;
  const values = valuesOf(each);
  const kv = engine.upload(values.kv, [keyRows, 2 * D]);
  return {
    q: { tensor: engine.upload(values.q, [queryRows, D + 1]), column: 1 },
    k: { tensor: kv },
    v: { tensor: kv, column: D },
    plan: {
      heads,
      headWidth,
      segments,
      relative: grid && {
        rows: engine.upload(values.rowCodes, [grid.rows ** 2, headWidth]),
        columns: engine.upload(values.columnCodes, [grid.columns ** 2, headWidth]),
      },
      bias: bias && engine.upload(values.bias, [heads, bias.queries, bias.keys]),
    },
  };
}

/** What attention is, one number after the other, in double precision: `(queries, heads * d)`. */
export function plainAttention(each: AttentionCase): Float32Array {
  const { heads, headWidth: d, segments, grid, bias } = each;
  const D = heads * d;
  const { q, kv, rowCodes, columnCodes, bias: biases } = valuesOf(each);
  const outputs: number[] = [];
  for (const { queries, keys } of segments) {
    for (let i = queries.start; i < queries.end; i++) {
      const queryAt = (queries.position ?? 0) + i - queries.start;
      for (let head = 0; head < heads; head++) {
        const query = (k: number) => q[i * (D + 1) + 1 + head * d + k];
        const product = (codes: Float32Array, at: number) => {
          let sum = 0;
          for (let k = 0; k < d; k++) sum += query(k) * codes[at + k];
          return sum;
        };
        const mean = new Float64Array(d);
        for (const set of keys) {
          const seen = set.flatMap((span) =>
            Array.from({ length: span.end - span.start }, (_, n) => ({
              row: span.start + n,
              position: (span.position ?? 0) + n,
            })),
          );
          const weights = seen.map(({ row, position }) => {
            let score = product(kv, row * 2 * D + head * d) / Math.sqrt(d);
            if (grid) {
              const { rows, columns } = grid;
              const [y, x] = [Math.floor(queryAt / columns), queryAt % columns];
              const [ky, kx] = [Math.floor(position / columns), position % columns];
              score += product(rowCodes, (y * rows + ky) * d);
              score += product(columnCodes, (x * columns + kx) * d);
            }
            if (bias) score += biases[(head * bias.queries + queryAt) * bias.keys + position];
            return Math.exp(score);
          });
          const sum = weights.reduce((a, b) => a + b, 0);
          seen.forEach(({ row }, n) => {
            for (let k = 0; k < d; k++)
              mean[k] += (weights[n] / sum / keys.length) * kv[row * 2 * D + D + head * d + k];
          });
        }
        outputs.push(...mean);
      }
    }
  }
  return Float32Array.from(outputs);
}
