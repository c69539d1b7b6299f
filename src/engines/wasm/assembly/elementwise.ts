/** Ops that move or combine rows. Blocks of memory end on 64 bytes, so whole vectors may pass an end. */
import { argument, floatArgument } from './command';
import { activated, laneSum, multiplyAdd, splat } from './vector-math';

/** Floats per tile of a flat operation. */
const FLAT: i32 = 16384;

/** `out = (a + b) * factor` over flat arrays. Arguments: a, b, out, count, factor. */
export function add(command: usize, tile: i32): void {
  const count = <i32>argument(command, 3);
  const start = tile * FLAT;
  const floats = min(FLAT, count - start);
  const shift = <usize>start << 2;
  const a = <usize>argument(command, 0) + shift;
  const b = <usize>argument(command, 1) + shift;
  const out = <usize>argument(command, 2) + shift;
  const factor = splat(floatArgument(command, 4));
  const whole = floats & ~3;
  for (let i: usize = 0; i < (<usize>whole << 2); i += 16) {
    v128.store(out + i, f32x4.mul(f32x4.add(v128.load(a + i), v128.load(b + i)), factor));
  }
  for (let i = <usize>whole << 2; i < (<usize>floats << 2); i += 4) {
    store<f32>(out + i, (load<f32>(a + i) + load<f32>(b + i)) * f32x4.extract_lane(factor, 0));
  }
}

/** `out = a * b` over flat arrays. Arguments: a, b, out, count. */
export function multiply(command: usize, tile: i32): void {
  const count = <i32>argument(command, 3);
  const start = tile * FLAT;
  const floats = min(FLAT, count - start);
  const shift = <usize>start << 2;
  const a = <usize>argument(command, 0) + shift;
  const b = <usize>argument(command, 1) + shift;
  const out = <usize>argument(command, 2) + shift;
  const whole = floats & ~3;
  for (let i: usize = 0; i < (<usize>whole << 2); i += 16) {
    v128.store(out + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  }
  for (let i = <usize>whole << 2; i < (<usize>floats << 2); i += 4) {
    store<f32>(out + i, load<f32>(a + i) * load<f32>(b + i));
  }
}

/** Adds one row to every row. Arguments: a (R, D), row (D), out, R, D, rows per tile. */
export function addRow(command: usize, tile: i32): void {
  const rows = <i32>argument(command, 3);
  const width = <i32>argument(command, 4);
  const step = <i32>argument(command, 5);
  const row = <usize>argument(command, 1);
  const end = min((tile + 1) * step, rows);
  for (let r = tile * step; r < end; r++) {
    const shift = (<usize>r * <usize>width) << 2;
    const a = <usize>argument(command, 0) + shift;
    const out = <usize>argument(command, 2) + shift;
    const whole = <usize>(width & ~3) << 2;
    for (let i: usize = 0; i < whole; i += 16) v128.store(out + i, f32x4.add(v128.load(a + i), v128.load(row + i)));
    for (let i = whole; i < (<usize>width << 2); i += 4) store<f32>(out + i, load<f32>(a + i) + load<f32>(row + i));
  }
}

/** Arguments: x, out, count, activation. */
export function activate(command: usize, tile: i32): void {
  const start = tile * FLAT;
  const end = <usize>min(start + FLAT, <i32>argument(command, 2)) << 2;
  const kind = <i32>argument(command, 3);
  const from = <usize>argument(command, 0);
  const to = <usize>argument(command, 1);
  // The last vector may pass the end of the tensor, but tiles end on whole vectors.
  for (let i = <usize>start << 2; i < end; i += 16) v128.store(to + i, activated(v128.load(from + i), kind));
}

/** Arguments: from, bytes between its rows, to, bytes between its rows, rows, bytes per row, rows per tile. */
export function copyRows(command: usize, tile: i32): void {
  const fromStride = <usize>argument(command, 1);
  const toStride = <usize>argument(command, 3);
  const rows = <i32>argument(command, 4);
  const bytes = <usize>argument(command, 5);
  const step = <i32>argument(command, 6);
  const start = tile * step;
  const count = min(step, rows - start);
  let from = <usize>argument(command, 0) + <usize>start * fromStride;
  let to = <usize>argument(command, 2) + <usize>start * toStride;
  if (fromStride == bytes && toStride == bytes) {
    memory.copy(to, from, <usize>count * bytes);
    return;
  }
  for (let r: i32 = 0; r < count; r++) {
    memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}

/** Copies rows, or a token where the row's flag is set. Arguments: x (R, D), flags (R bytes), token (D), out, R, D, rows per tile. */
export function maskRows(command: usize, tile: i32): void {
  const flags = <usize>argument(command, 1);
  const token = <usize>argument(command, 2);
  const rows = <i32>argument(command, 4);
  const bytes = <usize>argument(command, 5) << 2;
  const step = <i32>argument(command, 6);
  const end = min((tile + 1) * step, rows);
  for (let r = tile * step; r < end; r++) {
    const shift = <usize>r * bytes;
    const from = load<u8>(flags + r) ? token : <usize>argument(command, 0) + shift;
    memory.copy(<usize>argument(command, 3) + shift, from, bytes);
  }
}

/** Rows by their numbers; zeros for -1. Arguments: x (R, D), indices, out, rows, D, rows per tile. */
export function gatherRows(command: usize, tile: i32): void {
  const indices = <usize>argument(command, 1);
  const rows = <i32>argument(command, 3);
  const bytes = <usize>argument(command, 4) << 2;
  const step = <i32>argument(command, 5);
  const end = min((tile + 1) * step, rows);
  for (let r = tile * step; r < end; r++) {
    const to = <usize>argument(command, 2) + <usize>r * bytes;
    const index = load<i32>(indices + (<usize>r << 2));
    if (index < 0) memory.fill(to, 0, bytes);
    else memory.copy(to, <usize>argument(command, 0) + <usize>index * bytes, bytes);
  }
}

/**
 * `out (outer, A, D) = matrix (A, B) · table (outer, B, D)`. Rows of interpolation matrices are nearly empty, so zeros are
 * skipped, four at a time. Arguments: matrix, table, out, outer, A, B, D, rows per tile.
 */
export function interpolate(command: usize, tile: i32): void {
  const A = <i32>argument(command, 4);
  const B = <i32>argument(command, 5);
  const width = <i32>argument(command, 6);
  const step = <i32>argument(command, 7);
  const stride = <usize>width << 2;
  const end = min((tile + 1) * step, <i32>argument(command, 3) * A);
  const whole = <usize>(width & ~3) << 2;
  for (let r = tile * step; r < end; r++) {
    const factors = <usize>argument(command, 0) + (<usize>(r % A) * <usize>B << 2);
    const table = <usize>argument(command, 1) + <usize>(r / A * B) * stride;
    const out = <usize>argument(command, 2) + <usize>r * stride;
    memory.fill(out, 0, stride);
    for (let k: i32 = 0; k < B; k++) {
      const at = factors + (<usize>k << 2);
      if (k + 4 <= B && !v128.any_true(v128.load(at))) {
        k += 3;
        continue;
      }
      const factor = load<f32>(at);
      if (factor == 0) continue;
      const row = table + <usize>k * stride;
      const four = splat(factor);
      for (let i: usize = 0; i < whole; i += 16) {
        v128.store(out + i, multiplyAdd(four, v128.load(row + i), v128.load(out + i)));
      }
      for (let i = whole; i < stride; i += 4) {
        store<f32>(out + i, load<f32>(out + i) + factor * load<f32>(row + i));
      }
    }
  }
}

/** Normalises one row to `to`, which may be `from`. */
export function normalizeRow(from: usize, gamma: usize, beta: usize, to: usize, width: i32, epsilon: f32): void {
  const whole = <usize>(width & ~3) << 2;
  const all = <usize>width << 2;
  let sums = splat(0);
  for (let i: usize = 0; i < whole; i += 16) sums = f32x4.add(sums, v128.load(from + i));
  let sum = laneSum(sums);
  for (let i = whole; i < all; i += 4) sum += load<f32>(from + i);
  const mean = sum / <f32>width;
  const means = splat(mean);
  let squares = splat(0);
  for (let i: usize = 0; i < whole; i += 16) {
    const centred = f32x4.sub(v128.load(from + i), means);
    squares = multiplyAdd(centred, centred, squares);
  }
  let square = laneSum(squares);
  for (let i = whole; i < all; i += 4) {
    const centred = load<f32>(from + i) - mean;
    square += centred * centred;
  }
  const factor: f32 = <f32>1.0 / sqrt(square / <f32>width + epsilon);
  const factors = splat(factor);
  for (let i: usize = 0; i < whole; i += 16) {
    const normed = f32x4.mul(f32x4.sub(v128.load(from + i), means), factors);
    v128.store(to + i, multiplyAdd(normed, v128.load(gamma + i), v128.load(beta + i)));
  }
  for (let i = whole; i < all; i += 4) {
    store<f32>(to + i, (load<f32>(from + i) - mean) * factor * load<f32>(gamma + i) + load<f32>(beta + i));
  }
}

/** Arguments: x (R, D), gamma, beta, out, R, D, epsilon, rows per tile. */
export function layerNorm(command: usize, tile: i32): void {
  const rows = <i32>argument(command, 4);
  const width = <i32>argument(command, 5);
  const step = <i32>argument(command, 7);
  const end = min((tile + 1) * step, rows);
  for (let r = tile * step; r < end; r++) {
    const shift = (<usize>r * <usize>width) << 2;
    normalizeRow(
      <usize>argument(command, 0) + shift, <usize>argument(command, 1), <usize>argument(command, 2),
      <usize>argument(command, 3) + shift, width, floatArgument(command, 6),
    );
  }
}

/** Scalar products of rows. Arguments: a (R, D), b (S, D), out (R, S), R, S, D, rows per tile. */
export function rowProducts(command: usize, tile: i32): void {
  const rows = <i32>argument(command, 3);
  const others = <i32>argument(command, 4);
  const width = <usize>argument(command, 5) << 2;
  const step = <i32>argument(command, 6);
  const whole = width & ~15;
  const end = min((tile + 1) * step, rows);
  let a = <usize>argument(command, 0) + <usize>(tile * step) * width;
  let out = <usize>argument(command, 2) + (<usize>(tile * step * others) << 2);
  for (let r = tile * step; r < end; r++) {
    let b = <usize>argument(command, 1);
    for (let s: i32 = 0; s < others; s++) {
      let lanes = splat(0);
      for (let i: usize = 0; i < whole; i += 16) lanes = multiplyAdd(v128.load(a + i), v128.load(b + i), lanes);
      let sum = laneSum(lanes);
      for (let i = whole; i < width; i += 4) sum += load<f32>(a + i) * load<f32>(b + i);
      store<f32>(out, sum);
      out += 4;
      b += width;
    }
    a += width;
  }
}
