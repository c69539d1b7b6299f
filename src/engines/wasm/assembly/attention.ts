/**
 * Fused multi-head attention with decomposed relative position. The `L x L` matrix never exists: a tile
 * of queries meets the keys block by block and keeps a running maximum and sum (online softmax, Milakov
 * and Gimelshein 2018, arXiv:1805.02867; tiled as in FlashAttention, Dao et al. 2022, arXiv:2205.14135).
 *
 * Relative position costs no pass of its own: the block of scores starts from row term + column term,
 * and the product `q kᵀ` is accumulated onto it.
 */
import { PANEL, RUN_WORDS, SET_WORDS, SPAN_WORDS, USE_WORDS } from '../opcodes';
import { floatBlock } from './attention-float';
import { int8Block, roundQueries } from './attention-int8';
import { argument, floatArgument, packedRow, scaleRow } from './command';
import { panelRows, tile1 } from './tile-f32';
import { splat } from './vector-math';

/**
 * A tile is one run of queries of one head.
 *
 * Arguments: queries, bytes between them, keys, values, steps of keys (0: keys and values are floats), scales of values,
 * row codes (0: none), column codes, bias (heads, P, P') (0: none), P, P', runs, sets, uses, spans (see `opcodes.ts`),
 * out (rows, heads * d), heads, d, A, B (rows and columns of the grid of relative positions), keys per block at most,
 * queries per run at most, scratch, scratch bytes per thread, 1/√d, runs.
 */
export function attention(command: usize, tile: i32, thread: i32): void {
  const keys = <usize>argument(command, 2);
  const values = <usize>argument(command, 3);
  const keySteps = <usize>argument(command, 4);
  const valueScales = <usize>argument(command, 5);
  const rowCodes = <usize>argument(command, 6);
  const columnCodes = <usize>argument(command, 7);
  const biases = <usize>argument(command, 8);
  const biasKeys = <usize>argument(command, 10);
  const setTable = <usize>argument(command, 12);
  const useTable = <usize>argument(command, 13);
  const spanTable = <usize>argument(command, 14);
  const out = <usize>argument(command, 15);
  const heads = <i32>argument(command, 16);
  const d = <i32>argument(command, 17);
  const A = <i32>argument(command, 18);
  const B = <i32>argument(command, 19);
  const longest = <i32>argument(command, 21);
  const scale = splat(floatArgument(command, 24));

  // Neighbouring tiles share a head, whose keys and values then stay in the L2 cache.
  const runs = <i32>argument(command, 25);
  const head = tile / runs;
  const run = <usize>argument(command, 11) + <usize>((tile % runs) * RUN_WORDS) * 4;
  const start = load<i32>(run, 0);
  const position = load<i32>(run, 4);
  const count = load<i32>(run, 8);
  const outRow = load<i32>(run, 12);
  const firstSet = load<i32>(run, 16);
  const sets = load<i32>(run, 20);
  const shared = load<i32>(run, 24);

  // Scratch of this thread. Rows are whole vectors; see the engine for the sum of these sizes.
  const width = (d + 15) & ~15;
  const rowWidth = (A + 15) & ~15;
  const columnWidth = (B + 15) & ~15;
  const scoreWidth = <i32>argument(command, 20) + 16;
  const queryStride = <usize>width << 2;
  const scoreStride = <usize>scoreWidth << 2;
  const query = <usize>argument(command, 22) + <usize>thread * <usize>argument(command, 23);
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

  const D = heads * d;
  const tokenStride = <usize>argument(command, 1);
  const firstQuery = <usize>argument(command, 0) + <usize>start * tokenStride + (<usize>(head * d) << 2);
  for (let i: i32 = 0; i < count; i++) {
    const to = query + <usize>i * queryStride;
    memory.copy(to, firstQuery + <usize>i * tokenStride, <usize>d << 2);
    const toScaled = scaled + <usize>i * queryStride;
    for (let k: usize = 0; k < queryStride; k += 16) v128.store(toScaled + k, f32x4.mul(v128.load(to + k), scale));
  }

  if (keySteps) roundQueries(scaled, queryStride, bytes, parameters, d, count);

  if (rowCodes) {
    relativeTerms(query, queryStride, rowCodes, rowTerms, position, count, 1, B, d, rowWidth);
    relativeTerms(query, queryStride, columnCodes, columnTerms, position, count, 0, B, d, columnWidth);
  }
  const bias = biases ? biases + ((<usize>(head * <i32>argument(command, 9) + position) * biasKeys) << 2) : 0;

  if (sets > 1) memory.fill(total, 0, <usize>count * queryStride);
  for (let s: i32 = 0; s < sets; s++) {
    // What all sets begin with gives the same state for all: it is kept when the first one has met it.
    let u: i32 = 0;
    if (s > 0 && shared > 0) {
      memory.copy(sumOut, kept, stateBytes);
      u = shared;
    } else {
      memory.fill(sumOut, 0, <usize>count * queryStride);
      for (let i: i32 = 0; i < count; i++) {
        store<f32>(maxima + (<usize>i << 2), -3.0e38);
        store<f32>(denominators + (<usize>i << 2), 0);
      }
    }
    const set = setTable + <usize>((firstSet + s) * SET_WORDS) * 4;
    const uses = load<i32>(set, 4);
    for (; u < uses; u++) {
      const use = useTable + <usize>((load<i32>(set) + u) * USE_WORDS) * 4;
      const keyPosition = load<i32>(use, 4);
      const span = spanTable + <usize>(load<i32>(use) * SPAN_WORDS) * 4;
      const rows = load<i32>(span, 4);
      const block = load<i32>(span, 8);
      const first = packedRow(span, heads, head);
      const keyPanels = keys + ((first * <usize>d) << (keySteps ? 0 : 2));
      const valuePanels = values + ((first * <usize>width) << (keySteps ? 0 : 2));
      const valueStride = <usize>((rows + 15) & ~15) << (keySteps ? 4 : 6);
      const scales = valueScales + scaleRow(span, heads, head) * queryStride;
      let blockScales = scales;
      for (let k0: i32 = 0; k0 < rows; k0 += block) {
        const there = min(block, rows - k0);
        blockScales += queryStride;
        if (rowCodes) {
          for (let i: i32 = 0; i < count; i++) {
            startScores(
              scores + <usize>i * scoreStride, rowTerms + <usize>(i * rowWidth) * 4,
              columnTerms + <usize>(i * columnWidth) * 4, keyPosition + k0, there, B,
            );
          }
        } else {
          memory.fill(scores, 0, <usize>count * scoreStride);
        }
        if (bias) {
          for (let i: i32 = 0; i < count; i++) {
            addBias(scores + <usize>i * scoreStride, bias + ((<usize>i * biasKeys + <usize>(keyPosition + k0)) << 2), there);
          }
        }
        if (keySteps) {
          int8Block(
            bytes, parameters, scores, scoreStride, keyPanels + <usize>(k0 * d), keySteps + ((first + <usize>k0) << 2),
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
      if (s == 0 && sets > 1 && u + 1 == shared) memory.copy(kept, sumOut, stateBytes);
    }
    for (let i: i32 = 0; i < count; i++) {
      const factor = splat(<f32>1.0 / (load<f32>(denominators + (<usize>i << 2)) * <f32>sets));
      const from = sumOut + <usize>i * queryStride;
      const to = total + <usize>i * queryStride;
      for (let k: usize = 0; k < queryStride; k += 16) {
        const mean = f32x4.mul(v128.load(from + k), factor);
        v128.store(to + k, sets > 1 ? f32x4.add(v128.load(to + k), mean) : mean);
      }
    }
  }
  for (let i: i32 = 0; i < count; i++) {
    memory.copy(out + ((<usize>(outRow + i) * <usize>D + <usize>(head * d)) << 2), total + <usize>i * queryStride, <usize>d << 2);
  }
}

/**
 * Product of every query with the codes of its own row (`byRow` 1) or column (0): `(count, terms)`.
 * Queries of one row share the row's codes; those of one column never follow each other.
 */
function relativeTerms(
  query: usize, queryStride: usize, codes: usize, terms: usize, first: i32, count: i32, byRow: i32, B: i32, d: i32,
  termWidth: i32,
): void {
  const termStride = <usize>termWidth << 2;
  const matrixBytes = (<usize>termWidth * <usize>d) << 2;
  memory.fill(terms, 0, <usize>count * termStride);
  let i: i32 = 0;
  while (i < count) {
    const position = first + i;
    const index = byRow ? position / B : position % B;
    const together = byRow ? min(B - (position % B), count - i) : 1;
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

/** Fills a row of scores for keys from `first` on with row term + column term. */
function startScores(scores: usize, rowTerms: usize, columnTerms: usize, first: i32, there: i32, B: i32): void {
  let row = first / B;
  let column = first % B;
  let at: i32 = 0;
  while (at < there) {
    const run = min(B - column, there - at);
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

/** Adds a row of a bias table to a row of scores; the last vector may write past it, where nobody reads. */
function addBias(scores: usize, bias: usize, there: i32): void {
  for (let i: usize = 0; i < (<usize>there << 2); i += 16) {
    v128.store(scores + i, f32x4.add(v128.load(scores + i), v128.load(bias + i)));
  }
}
