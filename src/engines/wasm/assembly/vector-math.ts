/**
 * Elementary functions on four floats. Coefficients were fitted for this package: polynomials by
 * Chebyshev interpolation, rationals by weighted least squares on Chebyshev nodes.
 */
import { Activated } from '../opcodes';

// @ts-ignore: top-level decorators are AssemblyScript
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** `a * b + c`, fused where relaxed SIMD is on. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (RELAXED) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * Where the coefficients lie. They are read from memory because V8 builds a constant vector anew, out of
 * several instructions, at each use inside a loop; a value that was loaded stays in a register.
 */
const COEFFICIENTS: usize = 2048;

/** Writes the coefficients; every thread writes the same. */
export function writeCoefficients(): void {
  let at = COEFFICIENTS;
  // e^x: log2 e, lower bound, 1.5 * 2^23, exponent bias, then 2^f on [-0.5, 0.5] from the highest power.
  store<f32>(at, 1.44269504088896, 0);
  store<f32>(at, -126.0, 4);
  store<f32>(at, 12582912.0, 8);
  store<i32>(at, 127, 12);
  store<f32>(at, 0.0013390863, 16);
  store<f32>(at, 0.009676032, 20);
  store<f32>(at, 0.05550357, 24);
  store<f32>(at, 0.24022107, 28);
  store<f32>(at, 0.6931472, 32);
  store<f32>(at, 1.0, 36);
  at += 64;
  // erf(z) = z P(z²) / Q(z²): √½, bound of z, P and Q from the highest power, then 0.5.
  store<f32>(at, 0.70710678118, 0);
  store<f32>(at, 3.92, 4);
  store<f32>(at, 2.034732858656704e-6, 8);
  store<f32>(at, 0.00028747912402727255, 12);
  store<f32>(at, 0.0038683252090736865, 16);
  store<f32>(at, 0.05306047715442373, 20);
  store<f32>(at, 0.19276403590001953, 24);
  store<f32>(at, 1.1283790223779107, 28);
  store<f32>(at, 3.807060410393034e-5, 32);
  store<f32>(at, 0.0011881141281323419, 36);
  store<f32>(at, 0.015172293090650314, 40);
  store<f32>(at, 0.11508460854579516, 44);
  store<f32>(at, 0.5041643456138396, 48);
  store<f32>(at, 1.0, 52);
  store<f32>(at, 0.5, 56);
}

// @ts-ignore: decorator
@inline
export function coefficient(index: usize): v128 {
  return v128.load32_splat(COEFFICIENTS + (index << 2));
}

/** In place, `count` vectors of 32 bytes: e^(x - shift) for x <= shift. Returns the sums of the lanes. */
export function exponentials(at: usize, count: i32, shift: v128): v128 {
  const toBase2 = coefficient(0), lowest = coefficient(1), rounder = coefficient(2), bias = coefficient(3);
  const c5 = coefficient(4), c4 = coefficient(5), c3 = coefficient(6), c2 = coefficient(7), c1 = coefficient(8), c0 = coefficient(9);
  let sum0 = splat(0), sum1 = splat(0);
  for (let i: i32 = 0; i < count; i++) {
    const x0 = f32x4.pmax(lowest, f32x4.mul(f32x4.sub(v128.load(at, 0), shift), toBase2));
    const x1 = f32x4.pmax(lowest, f32x4.mul(f32x4.sub(v128.load(at, 16), shift), toBase2));
    // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
    const whole0 = f32x4.add(x0, rounder), whole1 = f32x4.add(x1, rounder);
    const f0 = f32x4.sub(x0, f32x4.sub(whole0, rounder));
    const f1 = f32x4.sub(x1, f32x4.sub(whole1, rounder));
    let p0 = multiplyAdd(f0, c5, c4), p1 = multiplyAdd(f1, c5, c4);
    p0 = multiplyAdd(f0, p0, c3); p1 = multiplyAdd(f1, p1, c3);
    p0 = multiplyAdd(f0, p0, c2); p1 = multiplyAdd(f1, p1, c2);
    p0 = multiplyAdd(f0, p0, c1); p1 = multiplyAdd(f1, p1, c1);
    p0 = multiplyAdd(f0, p0, c0); p1 = multiplyAdd(f1, p1, c0);
    const e0 = f32x4.mul(p0, i32x4.shl(i32x4.add(whole0, bias), 23));
    const e1 = f32x4.mul(p1, i32x4.shl(i32x4.add(whole1, bias), 23));
    v128.store(at, e0, 0);
    v128.store(at, e1, 16);
    sum0 = f32x4.add(sum0, e0);
    sum1 = f32x4.add(sum1, e1);
    at += 32;
  }
  return f32x4.add(sum0, sum1);
}

/** e^x for one x <= 0, as accurate as {@link exponentials}: relative error below 2e-7. */
export function exponential(x: f32): f32 {
  const scaled = max<f32>(x * load<f32>(COEFFICIENTS, 0), -126.0);
  const whole = nearest(scaled);
  const f = scaled - whole;
  let power = f * load<f32>(COEFFICIENTS, 16) + load<f32>(COEFFICIENTS, 20);
  power = f * power + load<f32>(COEFFICIENTS, 24);
  power = f * power + load<f32>(COEFFICIENTS, 28);
  power = f * power + load<f32>(COEFFICIENTS, 32);
  power = f * power + <f32>1.0;
  return power * reinterpret<f32>((<i32>whole + 127) << 23);
}

/** Exact GELU, x/2 (1 + erf(x/√2)); erf as z P(z²) / Q(z²) on |z| < 3.92, absolute error 3e-7. */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const bound = coefficient(17);
  const z = f32x4.min(f32x4.max(f32x4.mul(x, coefficient(16)), f32x4.neg(bound)), bound);
  const s = f32x4.mul(z, z);
  let p = multiplyAdd(s, coefficient(18), coefficient(19));
  p = multiplyAdd(s, p, coefficient(20));
  p = multiplyAdd(s, p, coefficient(21));
  p = multiplyAdd(s, p, coefficient(22));
  p = multiplyAdd(s, p, coefficient(23));
  let q = multiplyAdd(s, coefficient(24), coefficient(25));
  q = multiplyAdd(s, q, coefficient(26));
  q = multiplyAdd(s, q, coefficient(27));
  q = multiplyAdd(s, q, coefficient(28));
  q = multiplyAdd(s, q, coefficient(29));
  const half = f32x4.mul(x, coefficient(30));
  return multiplyAdd(half, f32x4.div(f32x4.mul(z, p), q), half);
}

/** Applies an activation to four numbers. */
// @ts-ignore: decorator
@inline
export function activated(x: v128, kind: i32): v128 {
  if (kind == Activated.Gelu) return gelu(x);
  if (kind == Activated.Relu) return f32x4.max(x, splat(0));
  return kind == Activated.Sigmoid ? sigmoid(x) : x;
}

/** 1 / (1 + e^-x) */
function sigmoid(x: v128): v128 {
  let result = x;
  result = f32x4.replace_lane(result, 0, sigmoidOf(f32x4.extract_lane(x, 0)));
  result = f32x4.replace_lane(result, 1, sigmoidOf(f32x4.extract_lane(x, 1)));
  result = f32x4.replace_lane(result, 2, sigmoidOf(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(result, 3, sigmoidOf(f32x4.extract_lane(x, 3)));
}

function sigmoidOf(x: f32): f32 {
  const power = exponential(-abs(x));
  return (x < 0 ? power : <f32>1.0) / (<f32>1.0 + power);
}

/** Sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function laneSum(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

/** Largest of the four lanes. */
// @ts-ignore: decorator
@inline
export function laneMax(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** Nearest integers of |x| < 2^22. */
// @ts-ignore: decorator
@inline
export function rounded(x: v128): v128 {
  return i32x4.sub(f32x4.add(x, splat(12582912.0)), i32x4.splat(0x4b400000));
}

/** Four half-precision numbers (low 16 bits of each lane) as floats. Subnormals included. */
// @ts-ignore: decorator
@inline
export function halfToFloat(bits: v128): v128 {
  const magnitude = v128.and(bits, i32x4.splat(0x7fff));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  // Shifted into place the exponent is 112 too small: one multiplication by 2^112 repairs normal and
  // subnormal numbers alike. Weights hold no infinities: checkpoints with any are refused.
  const scaled = f32x4.mul(i32x4.shl(magnitude, 13), splat(5.192296858534828e33));
  return v128.or(scaled, sign);
}
