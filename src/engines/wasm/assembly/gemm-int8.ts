import { PANEL } from '../opcodes';
import { argument } from './command';
import { activationSteps, dotTile4 } from './tile-int8';
import { gelu, rounded, splat } from './vector-math';

/** Bytes kept for each quantised row: step (f32), offset (f32), 64 * sum of the bytes (i32), unused. */
export const ROW_PARAMETERS: usize = 16;

/**
 * `C (R, N) = A (R, K) · W + bias`, then GELU, then a residual, where A and W are 8-bit.
 *
 * A value of A is `step * byte + offset`, per row; a weight is `scale * (number - 64)`, per column. So
 * `sum a w = scale * (step * (dot - 64 * sum of bytes) + offset * sum of weights)`.
 *
 * Arguments: A bytes, A parameters, W, bias, C, residual (0: none), R, bytes per row of A, N, GELU,
 * rows per tile, panels per tile, column scales (N), column sums times scale (N), scratch, scratch
 * bytes per thread.
 */
export function gemmInt8(command: usize, tile: i32, thread: i32): void {
  const a = <usize>argument(command, 0);
  const parameters = <usize>argument(command, 1);
  const weights = <usize>argument(command, 2);
  const bias = <usize>argument(command, 3);
  const c = <usize>argument(command, 4);
  const residual = <usize>argument(command, 5);
  const rows = <i32>argument(command, 6);
  const stride = <usize>argument(command, 7);
  const columns = <i32>argument(command, 8);
  const activate = argument(command, 9) != 0;
  const rowStep = <i32>argument(command, 10);
  const panelStep = <i32>argument(command, 11);
  const scales = <usize>argument(command, 12);
  const sums = <usize>argument(command, 13);
  const out = <usize>argument(command, 14) + <usize>thread * <usize>argument(command, 15);

  const rowTiles = (rows + rowStep - 1) / rowStep;
  const panels = (columns + PANEL - 1) / PANEL;
  const r0 = (tile % rowTiles) * rowStep;
  const r1 = min(r0 + rowStep, rows);
  const p0 = (tile / rowTiles) * panelStep;
  const p1 = min(p0 + panelStep, panels);
  const groups = <i32>(stride >> 2);
  const cStride = <usize>columns << 2;

  for (let p = p0; p < p1; p++) {
    const b = weights + <usize>p * stride * PANEL;
    const columnBytes = <usize>p << 6;
    const there = min(PANEL, columns - p * PANEL);
    // Memory for A ends with a whole tile of rows, so a last partial tile may read on.
    for (let r = r0; r < r1; r += 4) {
      dotTile4(a + <usize>r * stride, b, out, groups);
      const tileRows = min(4, r1 - r);
      for (let i: i32 = 0; i < tileRows; i++) {
        const sum = out + (<usize>i << 6);
        const row = <usize>(r + i);
        const at = row * cStride + columnBytes;
        if (there == PANEL) {
          finishRow(sum, parameters + row * ROW_PARAMETERS, scales + columnBytes, sums + columnBytes,
            bias + columnBytes, c + at, residual ? residual + at : 0, PANEL, activate);
        } else {
          // 16 columns are finished in place, then those that exist are copied out.
          finishRow(sum, parameters + row * ROW_PARAMETERS, scales + columnBytes, sums + columnBytes,
            bias + columnBytes, sum, 0, PANEL, activate);
          for (let n: i32 = 0; n < there; n++) {
            const lane = <usize>n << 2;
            let y = load<f32>(sum + lane);
            if (residual) y += load<f32>(residual + at + lane);
            store<f32>(c + at + lane, y);
          }
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function finishRow(
  sum: usize, parameters: usize, scales: usize, sums: usize, bias: usize, c: usize, residual: usize,
  columns: i32, activate: bool,
): void {
  const step = v128.load32_splat(parameters, 0);
  const offset = v128.load32_splat(parameters, 4);
  const correction = v128.load32_splat(parameters, 8);
  const end = <usize>columns << 2;
  for (let n: usize = 0; n < end; n += 16) {
    const dot = f32x4.convert_i32x4_s(i32x4.sub(v128.load(sum + n), correction));
    let y = f32x4.mul(f32x4.mul(step, dot), v128.load(scales + n));
    y = f32x4.add(y, f32x4.mul(offset, v128.load(sums + n)));
    y = f32x4.add(y, v128.load(bias + n));
    if (activate) y = gelu(y);
    if (residual) y = f32x4.add(y, v128.load(residual + n));
    v128.store(c + n, y);
  }
}

/**
 * Rows of floats to signed bytes, each row over its own range: `byte = (x - offset) / step`, -128 … 127, or
 * -64 … 63 where the inner loop needs it. Four rows lie together, four bytes of each in turn; see `tile-int8.ts`.
 *
 * Arguments: X (R, K), bytes, parameters, R, K, bytes per row (K rounded up to 4; the rest is zero), rows
 * per tile.
 */
export function quantizeRows(command: usize, tile: i32): void {
  const x = <usize>argument(command, 0);
  const bytes = <usize>argument(command, 1);
  const parameters = <usize>argument(command, 2);
  const rows = <i32>argument(command, 3);
  const depth = <i32>argument(command, 4);
  const stride = <usize>argument(command, 5);
  const step = <i32>argument(command, 6);
  const end = min((tile + 1) * step, rows);
  for (let r = tile * step; r < end; r++) {
    const tile4 = bytes + <usize>(r & ~3) * stride;
    quantizeRow(
      x + ((<usize>r * <usize>depth) << 2), tile4 + (<usize>(r & 3) << 2), parameters + <usize>r * ROW_PARAMETERS,
      depth, <i32>stride,
    );
  }
}

function quantizeRow(x: usize, bytes: usize, parameters: usize, depth: i32, padded: i32): void {
  let lowest: f32 = load<f32>(x);
  let highest: f32 = lowest;
  let k: i32 = 0;
  if (depth >= 16) {
    let low0 = v128.load(x), low1 = v128.load(x, 16), high0 = low0, high1 = low1;
    for (; k + 8 <= depth; k += 8) {
      const at = x + (<usize>k << 2);
      const x0 = v128.load(at), x1 = v128.load(at, 16);
      low0 = f32x4.pmin(low0, x0);
      low1 = f32x4.pmin(low1, x1);
      high0 = f32x4.pmax(high0, x0);
      high1 = f32x4.pmax(high1, x1);
    }
    const low = f32x4.min(low0, low1), high = f32x4.max(high0, high1);
    lowest = min(min(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1)), min(f32x4.extract_lane(low, 2), f32x4.extract_lane(low, 3)));
    highest = max(max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)), max(f32x4.extract_lane(high, 2), f32x4.extract_lane(high, 3)));
  }
  for (; k < depth; k++) {
    const value = load<f32>(x + (<usize>k << 2));
    lowest = min(lowest, value);
    highest = max(highest, value);
  }
  const steps = activationSteps();
  const step = (highest - lowest) / steps;
  const inverse: f32 = step > 0 ? <f32>1.0 / step : 0;
  const offset = lowest + <f32>0.5 * (steps + <f32>1.0) * step;

  const inverses = splat(inverse), offsets = splat(offset);
  let sums = i32x4.splat(0);
  k = 0;
  for (; k + 16 <= depth; k += 16) {
    const at = x + (<usize>k << 2);
    const q0 = rounded(f32x4.mul(f32x4.sub(v128.load(at), offsets), inverses));
    const q1 = rounded(f32x4.mul(f32x4.sub(v128.load(at, 16), offsets), inverses));
    const q2 = rounded(f32x4.mul(f32x4.sub(v128.load(at, 32), offsets), inverses));
    const q3 = rounded(f32x4.mul(f32x4.sub(v128.load(at, 48), offsets), inverses));
    const narrow = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3));
    const to = bytes + (<usize>k << 2);
    v128.store32_lane(to, narrow, 0, 0);
    v128.store32_lane(to, narrow, 1, 16);
    v128.store32_lane(to, narrow, 2, 32);
    v128.store32_lane(to, narrow, 3, 48);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(narrow)));
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  for (; k < depth; k++) {
    const value = (load<f32>(x + (<usize>k << 2)) - offset) * inverse;
    const byte = max(-128, min(127, <i32>nearest(value)));
    store<i8>(byteAt(bytes, k), <i8>byte);
    sum += byte;
  }
  for (; k < padded; k++) store<i8>(byteAt(bytes, k), 0);
  store<f32>(parameters, step, 0);
  store<f32>(parameters, offset, 4);
  store<i32>(parameters, sum << 6, 8);
}

/** Where byte k of a row lies, whose first byte lies at `row`. */
// @ts-ignore: decorator
@inline
function byteAt(row: usize, k: i32): usize {
  return row + ((<usize>k >> 2) << 4) + <usize>(k & 3);
}
