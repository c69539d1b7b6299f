/**
 * Fused multi-head attention with decomposed relative position. The `L x L` matrix never exists: a tile
 * of queries meets the keys block by block and keeps a running maximum and sum (online softmax, Milakov
 * and Gimelshein 2018, arXiv:1805.02867; tiled as in FlashAttention, Dao et al. 2022, arXiv:2205.14135).
 *
 * Relative position costs no pass of its own: the block of scores starts from row term + column term,
 * and the product `q kᵀ` is accumulated onto it.
 */
import { PANEL } from '../opcodes';
import { floatBlock } from './attention-float';
import { int8Block, roundQueries } from './attention-int8';
import { argument, floatArgument } from './command';
import { panelRows, tile1 } from './tile-f32';
import { splat } from './vector-math';

/** Words of one run of queries: half, first row in it, rows, first row of the output. */
const RUN_WORDS: i32 = 4;

/**
 * A tile is one run of queries of one head.
 *
 * Arguments: qkv (R, 3D), keys, values, row codes (0: none), column codes, runs, out (rows, D), heads, d,
 * N, M, h, w, keys per block, queries per run at most, scratch, scratch bytes per thread, 1/√d, runs, steps of keys
 * (0: keys and values are floats), scales of values.
 */
export function attention(command: usize, tile: i32, thread: i32): void {
  const qkv = <usize>argument(command, 0);
  const keys = <usize>argument(command, 1);
  const values = <usize>argument(command, 2);
  const rowCodes = <usize>argument(command, 3);
  const columnCodes = <usize>argument(command, 4);
  const out = <usize>argument(command, 6);
  const heads = <i32>argument(command, 7);
  const d = <i32>argument(command, 8);
  const prompts = <i32>argument(command, 9);
  const targets = <i32>argument(command, 10);
  const h = <i32>argument(command, 11);
  const w = <i32>argument(command, 12);
  const block = <i32>argument(command, 13);
  const longest = <i32>argument(command, 14);
  const scale = splat(floatArgument(command, 17));

  // Neighbouring tiles share a head, whose keys and values then stay in the L2 cache.
  const runs = <i32>argument(command, 18);
  const keySteps = <usize>argument(command, 19);
  const valueScales = <usize>argument(command, 20);
  const head = tile / runs;
  const run = <usize>argument(command, 5) + <usize>((tile % runs) * RUN_WORDS) * 4;
  const half = load<i32>(run, 0);
  const start = load<i32>(run, 4);
  const count = load<i32>(run, 8);
  const outRow = load<i32>(run, 12);

  // Scratch of this thread. Rows are whole vectors; see the engine for the sum of these sizes.
  const width = (d + 15) & ~15;
  const rowWidth = (2 * h + 15) & ~15;
  const columnWidth = (w + 15) & ~15;
  const scoreWidth = block + 16;
  const queryStride = <usize>width << 2;
  const scoreStride = <usize>scoreWidth << 2;
  const query = <usize>argument(command, 15) + <usize>thread * <usize>argument(command, 16);
  const scaled = query + <usize>longest * queryStride;
  const total = scaled + <usize>longest * queryStride;
  const rowTerms = total + <usize>longest * queryStride;
  const columnTerms = rowTerms + <usize>(longest * rowWidth) * 4;
  const scores = columnTerms + <usize>(longest * columnWidth) * 4;
  // The running state of the softmax in one piece, and a copy of it.
  const sumOut = scores + <usize>longest * scoreStride;
  const maxima = sumOut + <usize>longest * queryStride;
  const denominators = maxima + <usize>longest * 4;
  const stateBytes = <usize>longest * (queryStride + 8);
  const kept = sumOut + stateBytes;
  // For bytes only: rounded queries with their parameters, then what a block needs.
  const bytes = kept + stateBytes;
  const parameters = bytes + <usize>(longest * d);
  const blockScratch = parameters + (<usize>longest << 3);

  const Lh = h * w;
  const D = heads * d;
  const tokenStride = <usize>(3 * D) << 2;
  for (let i: i32 = 0; i < count; i++) {
    const from = qkv + <usize>(half * Lh + start + i) * tokenStride + (<usize>(head * d) << 2);
    const to = query + <usize>i * queryStride;
    memory.copy(to, from, <usize>d << 2);
    const toScaled = scaled + <usize>i * queryStride;
    for (let k: usize = 0; k < queryStride; k += 16) v128.store(toScaled + k, f32x4.mul(v128.load(to + k), scale));
  }

  if (keySteps) roundQueries(scaled, queryStride, bytes, parameters, d, count);

  const isTarget = half >= prompts;
  if (rowCodes) {
    const firstRow = isTarget ? h : 0;
    relativeTerms(query, queryStride, rowCodes, rowTerms, start, count, firstRow, 1, w, d, rowWidth);
    relativeTerms(query, queryStride, columnCodes, columnTerms, start, count, 0, 0, w, d, columnWidth);
  }

  const shared = isTarget && targets == 1;
  const firstCanvas = shared ? 0 : isTarget ? half - prompts : half;
  const canvases = shared ? prompts : 1;
  if (canvases > 1) memory.fill(total, 0, <usize>count * queryStride);
  const padded = (Lh + 15) & ~15;
  const keyBytes = (<usize>padded * <usize>d) << (keySteps ? 0 : 2);
  const valueStride = keySteps ? <usize>padded << 4 : <usize>Lh << 6;
  const scaleBytes = <usize>(1 + (Lh + block - 1) / block) * queryStride;
  for (let canvas = firstCanvas; canvas < firstCanvas + canvases; canvas++) {
    for (let step: i32 = canvas == firstCanvas ? 0 : 1; step < 2; step++) {
      // Target keys first: where canvases share a target, what its queries find there is the same for all.
      const side = 1 - step;
      if (step == 0) {
        memory.fill(sumOut, 0, <usize>count * queryStride);
        for (let i: i32 = 0; i < count; i++) {
          store<f32>(maxima + (<usize>i << 2), -3.0e38);
          store<f32>(denominators + (<usize>i << 2), 0);
        }
      } else if (canvas > firstCanvas) {
        memory.copy(sumOut, kept, stateBytes);
      } else if (canvases > 1) {
        memory.copy(kept, sumOut, stateBytes);
      }
      const keyHalf = side == 0 ? canvas : prompts + (targets == 1 ? 0 : canvas);
      const matrix = <usize>(keyHalf * heads + head);
      const keyPanels = keys + matrix * keyBytes;
      const valuePanels = values + matrix * valueStride * <usize>(width >> 4);
      const scales = valueScales + matrix * scaleBytes;
      let blockScales = scales;
      for (let k0: i32 = 0; k0 < Lh; k0 += block) {
        const there = min(block, Lh - k0);
        blockScales += queryStride;
        if (rowCodes) {
          for (let i: i32 = 0; i < count; i++) {
            startScores(
              scores + <usize>i * scoreStride, rowTerms + <usize>(i * rowWidth + side * h) * 4,
              columnTerms + <usize>(i * columnWidth) * 4, k0, there, w,
            );
          }
        } else {
          memory.fill(scores, 0, <usize>count * scoreStride);
        }
        if (keySteps) {
          int8Block(
            bytes, parameters, scores, scoreStride, keyPanels + <usize>(k0 * d), keySteps + ((matrix * <usize>padded + <usize>k0) << 2),
            valuePanels + (<usize>k0 << 4), valueStride, scales, blockScales, maxima, denominators, sumOut, queryStride,
            d, there, count, longest, blockScratch,
          );
        } else {
          floatBlock(
            scaled, queryStride, scores, scoreStride, keyPanels + ((<usize>k0 * <usize>d) << 2), valuePanels + (<usize>k0 << 6),
            valueStride, maxima, denominators, sumOut, d, there, count,
          );
        }
      }
    }
    for (let i: i32 = 0; i < count; i++) {
      const factor = splat(<f32>1.0 / (load<f32>(denominators + (<usize>i << 2)) * <f32>canvases));
      const from = sumOut + <usize>i * queryStride;
      const to = total + <usize>i * queryStride;
      for (let k: usize = 0; k < queryStride; k += 16) {
        const mean = f32x4.mul(v128.load(from + k), factor);
        v128.store(to + k, canvases > 1 ? f32x4.add(v128.load(to + k), mean) : mean);
      }
    }
  }
  for (let i: i32 = 0; i < count; i++) {
    memory.copy(out + ((<usize>(outRow + i) * <usize>D + <usize>(head * d)) << 2), total + <usize>i * queryStride, <usize>d << 2);
  }
}

/**
 * Product of every query with the codes of its own row (`byRow` 1) or column (0): `(count, terms)`.
 * Queries of one token row share the row's codes; those of one column never follow each other.
 */
function relativeTerms(
  query: usize, queryStride: usize, codes: usize, terms: usize, start: i32, count: i32,
  first: i32, byRow: i32, w: i32, d: i32, termWidth: i32,
): void {
  const termStride = <usize>termWidth << 2;
  const matrixBytes = (<usize>termWidth * <usize>d) << 2;
  memory.fill(terms, 0, <usize>count * termStride);
  let i: i32 = 0;
  while (i < count) {
    const position = start + i;
    const index = byRow ? first + position / w : position % w;
    const together = byRow ? min(w - (position % w), count - i) : 1;
    const from = query + <usize>i * queryStride;
    const to = terms + <usize>i * termStride;
    for (let p: i32 = 0; p < termWidth; p += PANEL) {
      const b = codes + <usize>index * matrixBytes + ((<usize>p * <usize>d) << 2);
      if (together == 1) tile1(from, b, to + (<usize>p << 2), d);
      else panelRows(from, queryStride, b, to + (<usize>p << 2), termStride, d, together);
    }
    i += together;
  }
}

/** Fills a row of scores for keys k0 … k0 + there - 1 with row term + column term. */
function startScores(scores: usize, rowTerms: usize, columnTerms: usize, k0: i32, there: i32, w: i32): void {
  let row = k0 / w;
  let column = k0 % w;
  let at: i32 = 0;
  while (at < there) {
    const run = min(w - column, there - at);
    const rowTerm = v128.load32_splat(rowTerms + (<usize>row << 2));
    const from = columnTerms + (<usize>column << 2);
    const to = scores + (<usize>at << 2);
    // The last vectors may write past the run; the next run, or nobody, reads there.
    for (let i: usize = 0; i < (<usize>run << 2); i += 32) {
      v128.store(to + i, f32x4.add(rowTerm, v128.load(from + i, 0)), 0);
      v128.store(to + i, f32x4.add(rowTerm, v128.load(from + i, 16)), 16);
    }
    at += run;
    row++;
    column = 0;
  }
}
