const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/**
 * Bits of the half-precision number nearest to `value`, ties to even (IEEE 754 binary16). Magnitudes
 * beyond 65504 become 65504: weights of that size do not occur, and infinities would spread.
 */
export function floatToHalf(value: number): number {
  floats[0] = value;
  const word = bits[0];
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude >= 0x477ff000) return sign | 0x7bff;
  if (magnitude < 0x38800000) {
    // Subnormal: count in steps of 2^-24.
    return sign | roundHalfEven(Math.abs(floats[0]) * 2 ** 24);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** The bits of float32 values as half-precision numbers; see {@link floatToHalf}. */
export function floatsToHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, floatToHalf);
}
