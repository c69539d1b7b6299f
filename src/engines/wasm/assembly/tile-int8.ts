/**
 * Register tiles of the int8 product: `out (4 x 16, int32) = A (4 rows of signed bytes) · B panel`.
 *
 * A panel holds weights as unsigned 7-bit numbers, `weight + 64`: the relaxed instructions promise one
 * result on every CPU for that alone, and sums of two products then fit 16 bits. Bytes lie as
 * `(depth / 4, 16 columns, 4)`, so that 16 bytes are four columns by four inputs.
 *
 * Left-hand bytes lie as `(4 rows, 4 inputs)` by `depth / 4`: what one step reads is next to each other, and one address
 * serves four rows. They span 256 numbers, or 128 of them where {@link DotKind.RelaxedQuads} runs.
 */
import { DotKind } from '../opcodes';

/** Which instruction multiplies; the engine measures and sets the fastest. */
export let dotKind: i32 = DotKind.Scalar;
export function setDotKind(kind: i32): void {
  dotKind = kind;
}

/** Address of four bytes 01 00 01 00: a multiplier of one, read so that compilers do not inline it. */
let onesAt: usize = 0;
export function setOnes(address: usize): void {
  store<u32>(address, 0x00010001);
  onesAt = address;
}

/** Steps between the smallest and the largest left-hand byte: four products of 7 by 7 bits fit into 16. */
export function activationSteps(): f32 {
  return dotKind == DotKind.RelaxedQuads ? 127 : 255;
}

/** @param groups inputs / 4 */
export function dotTile4(a: usize, b: usize, out: usize, groups: i32): void {
  if (RELAXED && dotKind == DotKind.Relaxed) relaxedTile4(a, b, out, groups);
  else if (RELAXED && dotKind == DotKind.RelaxedQuads) quadsTile4(a, b, out, groups);
  else if (dotKind == DotKind.Scalar) scalarTile4(a, b, out, groups);
  else {
    for (let columns: usize = 0; columns < 64; columns += 16) {
      widenedTile4(a, b + columns, out + columns, groups);
    }
  }
}

// @ts-ignore: decorator
@inline
function dot(a: v128, b: v128, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
}

/** Sums of pairs of products, 16 bits wide. */
// @ts-ignore: decorator
@inline
function pairs(a: v128, b: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(a, b);
}

/** Two groups of four inputs are added up before they are widened. */
// @ts-ignore: decorator
@inline
function quads(a: v128, b: v128, a1: v128, b1: v128, sum: v128, ones: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.add(pairs(a, b), pairs(a1, b1)), ones));
}

/** A group that is left over. */
// @ts-ignore: decorator
@inline
function last(a: v128, b: v128, sum: v128, ones: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs(a, b), ones));
}

function relaxedTile4(a: usize, b: usize, out: usize, groups: i32): void {
  const zero = i32x4.splat(0);
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero;
  let s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  let s20 = zero, s21 = zero, s22 = zero, s23 = zero;
  let s30 = zero, s31 = zero, s32 = zero, s33 = zero;
  const end = a + (<usize>groups << 4);
  for (; a < end; a += 16) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let x = v128.load32_splat(a, 0);
    s00 = dot(x, b0, s00); s01 = dot(x, b1, s01); s02 = dot(x, b2, s02); s03 = dot(x, b3, s03);
    x = v128.load32_splat(a, 4);
    s10 = dot(x, b0, s10); s11 = dot(x, b1, s11); s12 = dot(x, b2, s12); s13 = dot(x, b3, s13);
    x = v128.load32_splat(a, 8);
    s20 = dot(x, b0, s20); s21 = dot(x, b1, s21); s22 = dot(x, b2, s22); s23 = dot(x, b3, s23);
    x = v128.load32_splat(a, 12);
    s30 = dot(x, b0, s30); s31 = dot(x, b1, s31); s32 = dot(x, b2, s32); s33 = dot(x, b3, s33);
    b += 64;
  }
  v128.store(out, s00, 0); v128.store(out, s01, 16); v128.store(out, s02, 32); v128.store(out, s03, 48);
  v128.store(out, s10, 64); v128.store(out, s11, 80); v128.store(out, s12, 96); v128.store(out, s13, 112);
  v128.store(out, s20, 128); v128.store(out, s21, 144); v128.store(out, s22, 160); v128.store(out, s23, 176);
  v128.store(out, s30, 192); v128.store(out, s31, 208); v128.store(out, s32, 224); v128.store(out, s33, 240);
}

function quadsTile4(a: usize, b: usize, out: usize, groups: i32): void {
  const ones = v128.load32_splat(onesAt);
  const zero = i32x4.splat(0);
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero;
  let s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  let s20 = zero, s21 = zero, s22 = zero, s23 = zero;
  let s30 = zero, s31 = zero, s32 = zero, s33 = zero;
  const twice = a + ((<usize>groups & ~1) << 4);
  for (; a < twice; a += 32) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const c0 = v128.load(b, 64), c1 = v128.load(b, 80), c2 = v128.load(b, 96), c3 = v128.load(b, 112);
    let x = v128.load32_splat(a, 0), y = v128.load32_splat(a, 16);
    s00 = quads(x, b0, y, c0, s00, ones); s01 = quads(x, b1, y, c1, s01, ones);
    s02 = quads(x, b2, y, c2, s02, ones); s03 = quads(x, b3, y, c3, s03, ones);
    x = v128.load32_splat(a, 4); y = v128.load32_splat(a, 20);
    s10 = quads(x, b0, y, c0, s10, ones); s11 = quads(x, b1, y, c1, s11, ones);
    s12 = quads(x, b2, y, c2, s12, ones); s13 = quads(x, b3, y, c3, s13, ones);
    x = v128.load32_splat(a, 8); y = v128.load32_splat(a, 24);
    s20 = quads(x, b0, y, c0, s20, ones); s21 = quads(x, b1, y, c1, s21, ones);
    s22 = quads(x, b2, y, c2, s22, ones); s23 = quads(x, b3, y, c3, s23, ones);
    x = v128.load32_splat(a, 12); y = v128.load32_splat(a, 28);
    s30 = quads(x, b0, y, c0, s30, ones); s31 = quads(x, b1, y, c1, s31, ones);
    s32 = quads(x, b2, y, c2, s32, ones); s33 = quads(x, b3, y, c3, s33, ones);
    b += 128;
  }
  if (groups & 1) {
    const b0 = v128.load(b, 0), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let x = v128.load32_splat(a, 0);
    s00 = last(x, b0, s00, ones); s01 = last(x, b1, s01, ones);
    s02 = last(x, b2, s02, ones); s03 = last(x, b3, s03, ones);
    x = v128.load32_splat(a, 4);
    s10 = last(x, b0, s10, ones); s11 = last(x, b1, s11, ones);
    s12 = last(x, b2, s12, ones); s13 = last(x, b3, s13, ones);
    x = v128.load32_splat(a, 8);
    s20 = last(x, b0, s20, ones); s21 = last(x, b1, s21, ones);
    s22 = last(x, b2, s22, ones); s23 = last(x, b3, s23, ones);
    x = v128.load32_splat(a, 12);
    s30 = last(x, b0, s30, ones); s31 = last(x, b1, s31, ones);
    s32 = last(x, b2, s32, ones); s33 = last(x, b3, s33, ones);
  }
  v128.store(out, s00, 0); v128.store(out, s01, 16); v128.store(out, s02, 32); v128.store(out, s03, 48);
  v128.store(out, s10, 64); v128.store(out, s11, 80); v128.store(out, s12, 96); v128.store(out, s13, 112);
  v128.store(out, s20, 128); v128.store(out, s21, 144); v128.store(out, s22, 160); v128.store(out, s23, 176);
  v128.store(out, s30, 192); v128.store(out, s31, 208); v128.store(out, s32, 224); v128.store(out, s33, 240);
}

/** Four columns: a lane holds half of a column's sum, so a column takes two lanes until the end. */
function widenedTile4(a: usize, b: usize, out: usize, groups: i32): void {
  const zero = i32x4.splat(0);
  let s0l = zero, s0h = zero, s1l = zero, s1h = zero, s2l = zero, s2h = zero, s3l = zero, s3h = zero;
  const end = a + (<usize>groups << 4);
  for (; a < end; a += 16) {
    const four = v128.load(b);
    const low = i16x8.extend_low_i8x16_u(four);
    const high = i16x8.extend_high_i8x16_u(four);
    let x = i16x8.extend_low_i8x16_s(v128.load32_splat(a, 0));
    s0l = i32x4.add(s0l, i32x4.dot_i16x8_s(x, low)); s0h = i32x4.add(s0h, i32x4.dot_i16x8_s(x, high));
    x = i16x8.extend_low_i8x16_s(v128.load32_splat(a, 4));
    s1l = i32x4.add(s1l, i32x4.dot_i16x8_s(x, low)); s1h = i32x4.add(s1h, i32x4.dot_i16x8_s(x, high));
    x = i16x8.extend_low_i8x16_s(v128.load32_splat(a, 8));
    s2l = i32x4.add(s2l, i32x4.dot_i16x8_s(x, low)); s2h = i32x4.add(s2h, i32x4.dot_i16x8_s(x, high));
    x = i16x8.extend_low_i8x16_s(v128.load32_splat(a, 12));
    s3l = i32x4.add(s3l, i32x4.dot_i16x8_s(x, low)); s3h = i32x4.add(s3h, i32x4.dot_i16x8_s(x, high));
    b += 64;
  }
  v128.store(out, joinHalves(s0l, s0h));
  v128.store(out, joinHalves(s1l, s1h), 64);
  v128.store(out, joinHalves(s2l, s2h), 128);
  v128.store(out, joinHalves(s3l, s3h), 192);
}

/** `[a, a', b, b']`, `[c, c', d, d']` → `[a + a', b + b', c + c', d + d']` */
// @ts-ignore: decorator
@inline
function joinHalves(low: v128, high: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7));
}

function scalarTile4(a: usize, b: usize, out: usize, groups: i32): void {
  for (let row: usize = 0; row < 4; row++) {
    for (let column: usize = 0; column < 16; column++) {
      let sum: i32 = 0;
      for (let k: usize = 0; k < (<usize>groups << 2); k++) {
        const weight = load<u8>(b + ((k >> 2) << 6) + (column << 2) + (k & 3));
        sum += <i32>load<i8>(a + ((k >> 2) << 4) + (row << 2) + (k & 3)) * <i32>weight;
      }
      store<i32>(out + (row << 6) + (column << 2), sum);
    }
  }
}
