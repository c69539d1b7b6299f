/**
 * Attention's inner loop on bytes, for engines whose products are. Keys are rounded over their own range
 * each, values over their channel's, queries over their own; weights over the largest of their block of
 * keys, so that many small ones are not lost beside a large one elsewhere (compare SageAttention, Zhang et
 * al. 2024, arXiv:2410.02367). Maxima, denominators and sums stay in float32.
 *
 * Bytes lie as `tile-int8.ts` wants them: left-hand ones signed, right-hand ones `integer + 64`.
 */
import { PANEL } from '../opcodes';
import { argument, matrixOf, packedRow, scaleRow, spanOf } from './command';
import { raiseMaximum } from './softmax';
import { activationSteps, dotTile4 } from './tile-int8';
import { coefficient, exponential, laneMax, multiplyAdd, rounded, splat } from './vector-math';

/** Largest integer that stands for a key or value. */
const LARGEST: f32 = 63;

/**
 * Rows of d floats to panels `(rows / 16, d / 4, 16, 4)` of bytes, and a step per row. Missing rows are zero.
 *
 * Arguments as for {@link spanOf}, then steps (matrices, rows rounded up to 16).
 */
export function packKeysInt8(command: usize, tile: i32): void {
  const span = spanOf(command, tile);
  const rows = load<i32>(span, 4);
  const d = <i32>argument(command, 2);
  const stride = <usize>argument(command, 3);
  const heads = <i32>argument(command, 4);
  const from = matrixOf(command, tile);
  const padded = (rows + PANEL - 1) & ~(PANEL - 1);
  const first = packedRow(span, heads, tile % heads);
  const to = <usize>argument(command, 1) + first * <usize>d;
  const steps = <usize>argument(command, 6) + (first << 2);
  memory.fill(to, 64, <usize>(padded * d));
  memory.fill(steps, 0, <usize>padded << 2);
  for (let r: i32 = 0; r < rows; r++) {
    const panel = to + <usize>((r & ~15) * d) + (<usize>(r & 15) << 2);
    store<f32>(steps + (<usize>r << 2), roundRow(from + <usize>r * stride, panel, 64, d, LARGEST, 64));
  }
}

/**
 * Rows of d floats to panels `(d / 16, rows / 4, 16, 4)` of bytes. Missing rows and columns are zero.
 *
 * Arguments as for {@link spanOf}, then scales `(matrices, 1 + blocks, d rounded up to 16)`. Of the scales the first row is a
 * column's step by that of a weight; then comes, block by block, what the weights' zero adds to a column.
 */
export function packValuesInt8(command: usize, tile: i32): void {
  const span = spanOf(command, tile);
  const rows = load<i32>(span, 4);
  const d = <i32>argument(command, 2);
  const stride = <usize>argument(command, 3);
  const heads = <i32>argument(command, 4);
  const from = matrixOf(command, tile);
  const block = load<i32>(span, 8);
  const width = (d + 15) & ~15;
  const padded = (rows + 15) & ~15;
  const blocks = (rows + block - 1) / block;
  const rowBytes = <usize>width << 2;
  const to = <usize>argument(command, 1) + packedRow(span, heads, tile % heads) * <usize>width;
  const scales = <usize>argument(command, 6) + scaleRow(span, heads, tile % heads) * rowBytes;
  memory.fill(to, 64, <usize>(padded * width));
  memory.fill(scales, 0, <usize>(1 + blocks) * rowBytes);
  const middle = <f32>0.5 * (activationSteps() + 1);
  for (let c: i32 = 0; c < d; c += 4) {
    const column = from + (<usize>c << 2);
    let largest = splat(0);
    for (let r: i32 = 0; r < rows; r++) largest = f32x4.pmax(largest, f32x4.abs(v128.load(column + <usize>r * stride)));
    const step = f32x4.mul(largest, splat(<f32>1.0 / LARGEST));
    const inverse = v128.and(f32x4.div(splat(1), step), f32x4.gt(step, splat(0)));
    const perWeight = f32x4.mul(step, splat(<f32>1.0 / activationSteps()));
    v128.store(scales + (<usize>c << 2), perWeight);
    const panel = to + <usize>((c & ~15) * padded) + (<usize>(c & 15) << 2);
    for (let b: i32 = 0; b < blocks; b++) {
      let sum = i32x4.splat(0);
      const end = min((b + 1) * block, rows);
      for (let r = b * block; r < end; r += 4) {
        let word = i32x4.splat(0x40404040);
        for (let k: i32 = 0; k < 4; k++) {
          if (r + k >= end) break;
          const integer = rounded(f32x4.mul(v128.load(column + <usize>(r + k) * stride), inverse));
          sum = i32x4.add(sum, integer);
          word = i32x4.add(word, i32x4.shl(integer, k << 3));
        }
        v128.store(panel + (<usize>r << 4), word);
      }
      v128.store(
        scales + <usize>(1 + b) * rowBytes + (<usize>c << 2),
        f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), perWeight), splat(middle)),
      );
    }
  }
}

/**
 * Queries, scaled already, to tiles of four rows of bytes.
 *
 * @param to `(count rounded up to 4, d)` bytes
 * @param parameters for each query 8 bytes: its step, and 64 times the sum of its bytes
 */
export function roundQueries(queries: usize, queryStride: usize, to: usize, parameters: usize, d: i32, count: i32): void {
  const largest = <f32>0.5 * (activationSteps() - 1);
  for (let i: i32 = 0; i < count; i++) {
    const tile = to + <usize>((i & ~3) * d) + (<usize>(i & 3) << 2);
    const step = roundRow(queries + <usize>i * queryStride, tile, 16, d, largest, 0);
    let sum: i32 = 0;
    for (let k: i32 = 0; k < d; k++) sum += <i32>load<i8>(tile + (<usize>(k >> 2) << 4) + <usize>(k & 3));
    store<f32>(parameters + (<usize>i << 3), step, 0);
    store<i32>(parameters + (<usize>i << 3), sum << 6, 4);
  }
}

/** One row of `d` floats, a multiple of 4, to integers of at most `largest`, four bytes each `stride`. Returns the step. */
function roundRow(from: usize, to: usize, stride: usize, d: i32, largest: f32, zero: i32): f32 {
  const bytes = <usize>d << 2;
  let most = splat(0);
  for (let k: usize = 0; k < bytes; k += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(from + k)));
  const step = laneMax(most) / largest;
  const inverse = splat(step > 0 ? <f32>1.0 / step : 0);
  const zeros = i32x4.splat(zero);
  for (let k: usize = 0; k < bytes; k += 16) {
    const integers = i32x4.add(rounded(f32x4.mul(v128.load(from + k), inverse)), zeros);
    const words = i16x8.narrow_i32x4_s(integers, integers);
    v128.store32_lane(to, i8x16.narrow_i16x8_s(words, words), 0);
    to += stride;
  }
  return step;
}

/**
 * Adds what `there` keys give to `count` queries.
 *
 * @param bytes queries from {@link roundQueries}, with their `parameters`
 * @param scores what the products are added to; the weights afterwards
 * @param keySteps of the block's first key on; `values` likewise, whose panels are `valueStride` bytes apart
 * @param blockScales row of the value scales that belongs to the block
 * @param maxima running state of the softmax, with `denominators` and `sums (count, width)`
 * @param scratch 256 bytes, then for each query 8, then as many bytes as scores
 */
export function int8Block(
  bytes: usize, parameters: usize, scores: usize, scoreStride: usize, keys: usize, keySteps: usize, values: usize,
  valueStride: usize, valueScales: usize, blockScales: usize, maxima: usize, denominators: usize, sums: usize,
  queryStride: usize, d: i32, there: i32, count: i32, longest: i32, scratch: usize,
): void {
  const product = scratch;
  const weightParameters = scratch + 256;
  const weights = weightParameters + (<usize>longest << 3);
  const padded = (there + 15) & ~15;
  for (let p: i32 = 0; p < there; p += PANEL) {
    const steps = keySteps + (<usize>p << 2);
    for (let i: i32 = 0; i < count; i += 4) {
      dotTile4(bytes + <usize>(i * d), keys + <usize>(p * d), product, d >> 2);
      for (let k: i32 = 0; k < 4; k++) {
        addScores(product + (<usize>k << 6), parameters + (<usize>(i + k) << 3), steps, scores + <usize>(i + k) * scoreStride + (<usize>p << 2));
      }
    }
  }
  const highest = activationSteps();
  const middle = <f32>0.5 * (highest + 1);
  for (let i: i32 = 0; i < count; i++) {
    const at = <usize>i << 2;
    const row = scores + <usize>i * scoreStride;
    const largest = raiseMaximum(row, there, maxima + at, denominators + at, sums + <usize>i * queryStride, queryStride);
    weigh(row, padded, largest, highest, middle);
    const sum = narrowWeights(row, weights + <usize>((i & ~3) * padded) + (<usize>(i & 3) << 2), padded);
    const factor = exponential(largest - load<f32>(maxima + at));
    store<f32>(weightParameters + (<usize>i << 3), factor, 0);
    store<i32>(weightParameters + (<usize>i << 3), sum << 6, 4);
    const weight = (<f32>sum + middle * <f32>padded) / highest;
    store<f32>(denominators + at, load<f32>(denominators + at) + factor * weight);
  }
  for (let p: usize = 0; p < queryStride; p += 64) {
    for (let i: i32 = 0; i < count; i += 4) {
      dotTile4(weights + <usize>(i * padded), values, product, padded >> 2);
      const rows = min(4, count - i);
      for (let k: i32 = 0; k < rows; k++) {
        addSums(product + (<usize>k << 6), weightParameters + (<usize>(i + k) << 3), valueScales + p, blockScales + p, sums + <usize>(i + k) * queryStride + p);
      }
    }
    values += valueStride;
  }
}

/** 16 scores of one query: adds its products with 16 keys. */
// @ts-ignore: decorator
@inline
function addScores(product: usize, parameters: usize, steps: usize, scores: usize): void {
  const step = v128.load32_splat(parameters, 0);
  const correction = v128.load32_splat(parameters, 4);
  const y0 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 0), correction));
  const y1 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 16), correction));
  const y2 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 32), correction));
  const y3 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 48), correction));
  v128.store(scores, multiplyAdd(y0, f32x4.mul(step, v128.load(steps, 0)), v128.load(scores, 0)), 0);
  v128.store(scores, multiplyAdd(y1, f32x4.mul(step, v128.load(steps, 16)), v128.load(scores, 16)), 16);
  v128.store(scores, multiplyAdd(y2, f32x4.mul(step, v128.load(steps, 32)), v128.load(scores, 32)), 32);
  v128.store(scores, multiplyAdd(y3, f32x4.mul(step, v128.load(steps, 48)), v128.load(scores, 48)), 48);
}

/** 16 channels of one query: adds what its weights take from a block of values. */
// @ts-ignore: decorator
@inline
function addSums(product: usize, parameters: usize, scales: usize, zeros: usize, sums: usize): void {
  const factor = v128.load32_splat(parameters, 0);
  const correction = v128.load32_splat(parameters, 4);
  const y0 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 0), correction));
  const y1 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 16), correction));
  const y2 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 32), correction));
  const y3 = f32x4.convert_i32x4_s(i32x4.sub(v128.load(product, 48), correction));
  const z0 = multiplyAdd(y0, v128.load(scales, 0), v128.load(zeros, 0));
  const z1 = multiplyAdd(y1, v128.load(scales, 16), v128.load(zeros, 16));
  const z2 = multiplyAdd(y2, v128.load(scales, 32), v128.load(zeros, 32));
  const z3 = multiplyAdd(y3, v128.load(scales, 48), v128.load(zeros, 48));
  v128.store(sums, multiplyAdd(z0, factor, v128.load(sums, 0)), 0);
  v128.store(sums, multiplyAdd(z1, factor, v128.load(sums, 16)), 16);
  v128.store(sums, multiplyAdd(z2, factor, v128.load(sums, 32)), 32);
  v128.store(sums, multiplyAdd(z3, factor, v128.load(sums, 48)), 48);
}

/**
 * A row of scores to the integers of its weights, e^(score - largest) by steps, from `-middle` on; in place. A cubic is
 * enough for them: its relative error is 1e-4.
 */
function weigh(row: usize, padded: i32, largest: f32, highest: f32, middle: f32): void {
  const shift = splat(largest);
  const toBase2 = coefficient(0), lowest = coefficient(1), rounder = coefficient(2);
  const c3 = splat(<f32>0.055838283 * highest), c2 = splat(<f32>0.24263948 * highest);
  const c1 = splat(<f32>0.69313673 * highest), c0 = splat(<f32>0.99992456 * highest);
  // Rounds to an integer in the low bits, as `rounded` does, and moves it down by `middle`.
  const downwards = splat(<f32>12582912.0 - middle);
  const end = row + (<usize>padded << 2);
  for (; row < end; row += 32) {
    const x0 = f32x4.pmax(lowest, f32x4.mul(f32x4.sub(v128.load(row, 0), shift), toBase2));
    const x1 = f32x4.pmax(lowest, f32x4.mul(f32x4.sub(v128.load(row, 16), shift), toBase2));
    const whole0 = f32x4.add(x0, rounder), whole1 = f32x4.add(x1, rounder);
    const f0 = f32x4.sub(x0, f32x4.sub(whole0, rounder));
    const f1 = f32x4.sub(x1, f32x4.sub(whole1, rounder));
    let p0 = multiplyAdd(f0, c3, c2), p1 = multiplyAdd(f1, c3, c2);
    p0 = multiplyAdd(f0, p0, c1); p1 = multiplyAdd(f1, p1, c1);
    p0 = multiplyAdd(f0, p0, c0); p1 = multiplyAdd(f1, p1, c0);
    // A power of two is added to the exponent's bits.
    const e0 = i32x4.add(p0, i32x4.shl(whole0, 23)), e1 = i32x4.add(p1, i32x4.shl(whole1, 23));
    v128.store(row, i32x4.sub(f32x4.add(e0, downwards), rounder), 0);
    v128.store(row, i32x4.sub(f32x4.add(e1, downwards), rounder), 16);
  }
}

/** Integers to bytes, four of them each 16 bytes. Returns their sum. */
function narrowWeights(row: usize, to: usize, padded: i32): i32 {
  let sums = i32x4.splat(0);
  const end = row + (<usize>padded << 2);
  for (; row < end; row += 64) {
    const narrow = i8x16.narrow_i16x8_s(
      i16x8.narrow_i32x4_s(v128.load(row, 0), v128.load(row, 16)), i16x8.narrow_i32x4_s(v128.load(row, 32), v128.load(row, 48)),
    );
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(narrow)));
    v128.store32_lane(to, narrow, 0, 0);
    v128.store32_lane(to, narrow, 1, 16);
    v128.store32_lane(to, narrow, 2, 32);
    v128.store32_lane(to, narrow, 3, 48);
    to += 64;
  }
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}
