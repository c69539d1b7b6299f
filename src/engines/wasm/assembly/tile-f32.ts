/**
 * Register tiles of the float32 product: C (rows x 16) += A (rows x depth) · B panel (depth x 16).
 *
 * Two shapes of one tile. *Wide* is 4 rows by 4 vectors: V8 joins neighbouring vectors into 256-bit
 * registers where it can, and then all 8 accumulators stay in registers. *Narrow* is 4 rows by 2
 * vectors: 8 accumulators of 128 bits fill both multiply-add units.
 */
import { multiplyAdd, splat } from './vector-math';

/** Which shape runs; the engine measures both and sets the faster. */
export let wide: bool = false;
export function setWide(value: bool): void {
  wide = value;
}

/**
 * @param a first element of 4 rows, `aStride` bytes apart
 * @param b panel, `(depth, 16)`
 * @param c `(4, 16)`, rows `cStride` bytes apart; accumulated into
 */
export function tile4(a: usize, aStride: usize, b: usize, c: usize, cStride: usize, depth: i32): void {
  if (wide) {
    wideTile4(a, aStride, b, c, cStride, depth);
  } else {
    narrowTile4(a, aStride, b, c, cStride, depth);
    narrowTile4(a, aStride, b + 32, c + 32, cStride, depth);
  }
}

function wideTile4(a: usize, aStride: usize, b: usize, c: usize, cStride: usize, depth: i32): void {
  const a1 = a + aStride, a2 = a1 + aStride, a3 = a2 + aStride;
  const c1 = c + cStride, c2 = c1 + cStride, c3 = c2 + cStride;
  let s00 = v128.load(c, 0), s01 = v128.load(c, 16), s02 = v128.load(c, 32), s03 = v128.load(c, 48);
  let s10 = v128.load(c1, 0), s11 = v128.load(c1, 16), s12 = v128.load(c1, 32), s13 = v128.load(c1, 48);
  let s20 = v128.load(c2, 0), s21 = v128.load(c2, 16), s22 = v128.load(c2, 32), s23 = v128.load(c2, 48);
  let s30 = v128.load(c3, 0), s31 = v128.load(c3, 16), s32 = v128.load(c3, 32), s33 = v128.load(c3, 48);
  const end = <usize>depth << 2;
  for (let k: usize = 0; k < end; k += 4) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let x = v128.load32_splat(a + k);
    s00 = multiplyAdd(x, b0, s00); s01 = multiplyAdd(x, b1, s01); s02 = multiplyAdd(x, b2, s02); s03 = multiplyAdd(x, b3, s03);
    x = v128.load32_splat(a1 + k);
    s10 = multiplyAdd(x, b0, s10); s11 = multiplyAdd(x, b1, s11); s12 = multiplyAdd(x, b2, s12); s13 = multiplyAdd(x, b3, s13);
    x = v128.load32_splat(a2 + k);
    s20 = multiplyAdd(x, b0, s20); s21 = multiplyAdd(x, b1, s21); s22 = multiplyAdd(x, b2, s22); s23 = multiplyAdd(x, b3, s23);
    x = v128.load32_splat(a3 + k);
    s30 = multiplyAdd(x, b0, s30); s31 = multiplyAdd(x, b1, s31); s32 = multiplyAdd(x, b2, s32); s33 = multiplyAdd(x, b3, s33);
    b += 64;
  }
  v128.store(c, s00, 0); v128.store(c, s01, 16); v128.store(c, s02, 32); v128.store(c, s03, 48);
  v128.store(c1, s10, 0); v128.store(c1, s11, 16); v128.store(c1, s12, 32); v128.store(c1, s13, 48);
  v128.store(c2, s20, 0); v128.store(c2, s21, 16); v128.store(c2, s22, 32); v128.store(c2, s23, 48);
  v128.store(c3, s30, 0); v128.store(c3, s31, 16); v128.store(c3, s32, 32); v128.store(c3, s33, 48);
}

function narrowTile4(a: usize, aStride: usize, b: usize, c: usize, cStride: usize, depth: i32): void {
  const a1 = a + aStride, a2 = a1 + aStride, a3 = a2 + aStride;
  const c1 = c + cStride, c2 = c1 + cStride, c3 = c2 + cStride;
  let s00 = v128.load(c, 0), s01 = v128.load(c, 16);
  let s10 = v128.load(c1, 0), s11 = v128.load(c1, 16);
  let s20 = v128.load(c2, 0), s21 = v128.load(c2, 16);
  let s30 = v128.load(c3, 0), s31 = v128.load(c3, 16);
  const end = <usize>depth << 2;
  for (let k: usize = 0; k < end; k += 4) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a + k);
    s00 = multiplyAdd(x, b0, s00); s01 = multiplyAdd(x, b1, s01);
    x = v128.load32_splat(a1 + k);
    s10 = multiplyAdd(x, b0, s10); s11 = multiplyAdd(x, b1, s11);
    x = v128.load32_splat(a2 + k);
    s20 = multiplyAdd(x, b0, s20); s21 = multiplyAdd(x, b1, s21);
    x = v128.load32_splat(a3 + k);
    s30 = multiplyAdd(x, b0, s30); s31 = multiplyAdd(x, b1, s31);
    b += 64;
  }
  v128.store(c, s00, 0); v128.store(c, s01, 16);
  v128.store(c1, s10, 0); v128.store(c1, s11, 16);
  v128.store(c2, s20, 0); v128.store(c2, s21, 16);
  v128.store(c3, s30, 0); v128.store(c3, s31, 16);
}

/** One row: `c (16) += a (depth) · b`. */
export function tile1(a: usize, b: usize, c: usize, depth: i32): void {
  let s0 = v128.load(c, 0), s1 = v128.load(c, 16), s2 = v128.load(c, 32), s3 = v128.load(c, 48);
  for (let k: i32 = 0; k < depth; k++) {
    const x = v128.load32_splat(a);
    s0 = multiplyAdd(x, v128.load(b, 0), s0);
    s1 = multiplyAdd(x, v128.load(b, 16), s1);
    s2 = multiplyAdd(x, v128.load(b, 32), s2);
    s3 = multiplyAdd(x, v128.load(b, 48), s3);
    a += 4;
    b += 64;
  }
  v128.store(c, s0, 0); v128.store(c, s1, 16); v128.store(c, s2, 32); v128.store(c, s3, 48);
}

/** Any number of rows of one panel whose 16 columns all exist in C. */
export function panelRows(
  a: usize, aStride: usize, b: usize, c: usize, cStride: usize, depth: i32, rows: i32,
): void {
  let row: i32 = 0;
  for (; row + 4 <= rows; row += 4) {
    tile4(a, aStride, b, c, cStride, depth);
    a += aStride << 2;
    c += cStride << 2;
  }
  for (; row < rows; row++) {
    tile1(a, b, c, depth);
    a += aStride;
    c += cStride;
  }
}

/** The same where C has only `columns` < 16 columns left: through a buffer of 64 bytes. */
export function panelRowsPartial(
  a: usize, aStride: usize, b: usize, c: usize, cStride: usize, depth: i32, rows: i32, columns: i32, buffer: usize,
): void {
  const bytes = <usize>columns << 2;
  for (let row: i32 = 0; row < rows; row++) {
    v128.store(buffer, splat(0), 0); v128.store(buffer, splat(0), 16);
    v128.store(buffer, splat(0), 32); v128.store(buffer, splat(0), 48);
    memory.copy(buffer, c, bytes);
    tile1(a, b, buffer, depth);
    memory.copy(c, buffer, bytes);
    a += aStride;
    c += cStride;
  }
}
