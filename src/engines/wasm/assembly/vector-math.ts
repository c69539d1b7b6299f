/**
 * Elementary functions on four floats. Coefficients were fitted for this package: polynomials by
 * Chebyshev interpolation, rationals by weighted least squares on Chebyshev nodes.
 */

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

/** e^x for x <= 0, relative error below 2e-7; 0 from about -87 down. */
// @ts-ignore: decorator
@inline
export function exponential(x: v128): v128 {
  const scaled = f32x4.max(f32x4.mul(x, splat(1.44269504088896)), splat(-126.0));
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  const biased = f32x4.add(scaled, splat(12582912.0));
  const part = f32x4.sub(scaled, f32x4.sub(biased, splat(12582912.0))); // [-0.5, 0.5]
  let power = multiplyAdd(part, splat(0.0013390863), splat(0.009676032));
  power = multiplyAdd(part, power, splat(0.05550357));
  power = multiplyAdd(part, power, splat(0.24022107));
  power = multiplyAdd(part, power, splat(0.6931472));
  power = multiplyAdd(part, power, splat(1.0));
  const exponent = i32x4.shl(i32x4.add(biased, i32x4.splat(127)), 23);
  return f32x4.mul(power, exponent);
}

/** Exact GELU, x/2 (1 + erf(x/√2)); erf as z P(z²) / Q(z²) on |z| < 3.92, absolute error 3e-7. */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const z = f32x4.min(f32x4.max(f32x4.mul(x, splat(0.70710678118)), splat(-3.92)), splat(3.92));
  const s = f32x4.mul(z, z);
  let p = multiplyAdd(s, splat(2.034732858656704e-6), splat(0.00028747912402727255));
  p = multiplyAdd(s, p, splat(0.0038683252090736865));
  p = multiplyAdd(s, p, splat(0.05306047715442373));
  p = multiplyAdd(s, p, splat(0.19276403590001953));
  p = multiplyAdd(s, p, splat(1.1283790223779107));
  let q = multiplyAdd(s, splat(3.807060410393034e-5), splat(0.0011881141281323419));
  q = multiplyAdd(s, q, splat(0.015172293090650314));
  q = multiplyAdd(s, q, splat(0.11508460854579516));
  q = multiplyAdd(s, q, splat(0.5041643456138396));
  q = multiplyAdd(s, q, splat(1.0));
  const half = f32x4.mul(x, splat(0.5));
  return multiplyAdd(half, f32x4.div(f32x4.mul(z, p), q), half);
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
