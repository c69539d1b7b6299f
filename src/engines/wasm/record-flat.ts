import { type Activated, Op } from './opcodes';
import type { Recorder } from './recorder';

/** Floats per tile of flat operations; `FLAT` in `assembly/elementwise.ts`. */
const FLAT = 16384;

/** `out = (a + b) * factor` over `count` values; addresses. */
export function recordSum(
  recorder: Recorder,
  a: number,
  b: number,
  out: number,
  count: number,
  factor: number,
): void {
  const tiles = Math.ceil(count / FLAT);
  recorder.record(Op.Add, tiles, count, [a, b, out, count, { float: factor }]);
}

/** `out = a * b` over `count` values; addresses. */
export function recordProduct(
  recorder: Recorder,
  a: number,
  b: number,
  out: number,
  count: number,
): void {
  recorder.record(Op.Multiply, Math.ceil(count / FLAT), count, [a, b, out, count]);
}

/** Applies an activation to `count` values; addresses, which may be the same. */
export function recordActivation(
  recorder: Recorder,
  x: number,
  out: number,
  count: number,
  activation: Activated,
): void {
  recorder.record(Op.Activate, Math.ceil(count / FLAT), 20 * count, [x, out, count, activation]);
}
