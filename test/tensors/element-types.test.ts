import { floatToHalf } from '../../src/tensors/half';
import { elementBytes, halfToFloat, toFloat32 } from '../../src/tensors/element-types';

/** Bits of binary16 numbers and their values, by Python's `struct.unpack('<e', …)`. */
const halves = [
  [0x0000, 0],
  [0x0001, 5.960464477539063e-8],
  [0x03ff, 6.097555160522461e-5],
  [0x0400, 6.103515625e-5],
  [0x0401, 6.109476089477539e-5],
  [0x07ff, 0.00012201070785522461],
  [0x3555, 0.333251953125],
  [0x3bff, 0.99951171875],
  [0x3c00, 1],
  [0x3c01, 1.0009765625],
  [0x4248, 3.140625],
  [0x7800, 32768],
  [0x7bff, 65504],
] as const;

it.each(halves)('half-precision number %i is %d, with either sign', (bits, value) => {
  expect(halfToFloat(bits)).toBe(value);
  expect(halfToFloat(bits | 0x8000)).toBe(-value);
  expect(floatToHalf(value)).toBe(bits);
  expect(floatToHalf(-value)).toBe(bits | 0x8000);
});

it('infinities and what is no number', () => {
  expect([0x7c00, 0xfc00].map(halfToFloat)).toEqual([Infinity, -Infinity]);
  for (const bits of [0x7c01, 0x7fff, 0xfe00]) expect(halfToFloat(bits)).toBeNaN();
});

it('every finite half comes back from its float', () => {
  for (let bits = 0; bits < 0x10000; bits++)
    if ((bits & 0x7c00) !== 0x7c00) expect(floatToHalf(halfToFloat(bits))).toBe(bits);
});

it.each([
  // Half-way between two numbers: the even one. By Python's `struct.pack('<e', …)`.
  ['1 + 1/2048', 1 + 2 ** -11, 0x3c00],
  ['just above it', 1 + 2 ** -11 + 2 ** -20, 0x3c01],
  ['just below it', 1 + 2 ** -11 - 2 ** -20, 0x3c00],
  ['1 + 3/2048', 1 + 3 * 2 ** -11, 0x3c02],
  ['2049', 2049, 0x6800],
  ['2051', 2051, 0x6802],
  ['the step to 2', 2 - 2 ** -11, 0x4000],
  ['half the least', 2 ** -25, 0x0000],
  ['a little more', 1.5 * 2 ** -25, 0x0001],
  ['between the least two', 3 * 2 ** -25, 0x0002],
  ['between two and three', 5 * 2 ** -25, 0x0002],
  ['below the least normal one', 2 ** -14 - 2 ** -25, 0x0400],
  ['near the largest', 65519, 0x7bff],
])('%s is rounded to the nearest', (_, value, bits) => {
  expect(floatToHalf(value)).toBe(bits);
  expect(floatToHalf(-value)).toBe(bits | 0x8000);
});

it('what is larger than any half becomes the largest', () => {
  for (const value of [65520, 65536, 1e9, Infinity]) {
    expect(floatToHalf(value)).toBe(0x7bff);
    expect(floatToHalf(-value)).toBe(0xfbff);
  }
});

it('counts the bytes of an element', () => {
  expect((['F32', 'F16', 'BF16', 'I8'] as const).map(elementBytes)).toEqual([4, 2, 2, 1]);
});

describe('values of a stored tensor', () => {
  const stored = { name: 't', shape: [2, 2] };
  /** Bytes at an odd place of a larger buffer, as those of a file lie. */
  const within = (bytes: Uint8Array) => {
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    return larger.subarray(3);
  };
  const words = (...values: number[]) => within(new Uint8Array(Uint16Array.from(values).buffer));

  it('in float32', () => {
    const data = within(new Uint8Array(Float32Array.of(1.5, -2, 0, 3e-9).buffer));
    const values = toFloat32({ ...stored, dtype: 'F32', data });
    expect(values).toEqual(Float32Array.of(1.5, -2, 0, 3e-9));
    values[0] = 9; // a new array
    expect(toFloat32({ ...stored, dtype: 'F32', data })[0]).toBe(1.5);
  });

  it('in float16 and bfloat16, which differ', () => {
    // 0x3f80 is 1.875 as binary16, and the upper half of float32's 1.
    const data = words(0x3f80, 0xc040, 0x0000, 0x4248);
    expect([...toFloat32({ ...stored, dtype: 'F16', data })]).toEqual([1.875, -2.125, 0, 3.140625]);
    expect([...toFloat32({ ...stored, dtype: 'BF16', data })]).toEqual([1, -3, 0, 50]);
  });

  it('in int8, row by row times its scale', () => {
    const data = within(Uint8Array.of(1, 255, 127, 128));
    const scales = Float32Array.of(0.5, 2);
    const tensor = { ...stored, dtype: 'I8' as const, data };
    expect([...toFloat32({ ...tensor, scales })]).toEqual([0.5, -0.5, 254, -256]);
    expect([...toFloat32(tensor)]).toEqual([1, -1, 127, -128]);
  });
});
