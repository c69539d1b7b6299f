/** The running maximum of an online softmax (Milakov and Gimelshein 2018, arXiv:1805.02867). */
import { exponential, laneMax, splat } from './vector-math';

/** Bytes behind a row of scores that are overwritten. */
const PADDING: usize = 64;

/**
 * Takes one block of one query's scores into the running maximum; what was summed under a smaller one is scaled down.
 *
 * @param scores `there` of them, with room for 16 more, which come to count for nothing
 * @param maximum where the running maximum lies (f32), `denominator` (f32) and `sums` (`sumBytes` of f32) that go with it
 * @returns the largest score of this block
 */
export function raiseMaximum(
  scores: usize, there: i32, maximum: usize, denominator: usize, sums: usize, sumBytes: usize,
): f32 {
  const end = scores + (<usize>there << 2);
  for (let at: usize = 0; at < PADDING; at += 16) v128.store(end + at, splat(-3.0e38));
  let largest0 = v128.load(scores, 0), largest1 = v128.load(scores, 16);
  let largest2 = v128.load(scores, 32), largest3 = v128.load(scores, 48);
  for (let at = scores + 64; at < end; at += 64) {
    largest0 = f32x4.pmax(largest0, v128.load(at, 0));
    largest1 = f32x4.pmax(largest1, v128.load(at, 16));
    largest2 = f32x4.pmax(largest2, v128.load(at, 32));
    largest3 = f32x4.pmax(largest3, v128.load(at, 48));
  }
  const largest = laneMax(f32x4.pmax(f32x4.pmax(largest0, largest1), f32x4.pmax(largest2, largest3)));
  const before = load<f32>(maximum);
  if (largest > before) {
    const factor = exponential(before - largest);
    const factors = splat(factor);
    store<f32>(denominator, load<f32>(denominator) * factor);
    for (let at: usize = 0; at < sumBytes; at += 16) v128.store(sums + at, f32x4.mul(v128.load(sums + at), factors));
    store<f32>(maximum, largest);
  }
  return largest;
}
