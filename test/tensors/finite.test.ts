import { CheckpointError } from '../../src/base/errors';
import { checkFinite } from '../../src/tensors/finite';
import type { StoredType } from '../../src/tensors/stored-tensor';

const check = (dtype: StoredType, data: Uint8Array, scales?: Float32Array) => () =>
  checkFinite({ name: 'w', shape: [data.length], dtype, data, scales }, 'x.pth');
const bytes = (values: Uint16Array | Uint32Array, offset: number) => {
  const larger = new Uint8Array(values.byteLength + 8);
  larger.set(new Uint8Array(values.buffer), offset);
  return larger.subarray(offset, offset + values.byteLength);
};

describe.each([0, 4, 1, 2, 3])('at byte %i of a buffer', (offset) => {
  it.each([
    ['F32', 0x7f7fffff, [0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000]],
    ['F16', 0x7bff, [0x7c00, 0xfc00, 0x7c01, 0x7e00]],
    ['BF16', 0x7f7f, [0x7f80, 0xff80, 0x7f81, 0x7fc0]],
  ] as const)('%s: the largest number is one, infinity and NaN are none', (dtype, largest, bad) => {
    const typed = (...values: number[]) =>
      bytes(dtype === 'F32' ? Uint32Array.from(values) : Uint16Array.from(values), offset);
    expect(check(dtype, typed(0, largest, 1, largest))).not.toThrow();
    for (const bits of bad) {
      expect(check(dtype, typed(bits, 0, 0, 0))).toThrow(CheckpointError);
      expect(check(dtype, typed(0, 0, 0, bits))).toThrow(/^x\.pth: "w" holds NaN or infinite/);
    }
  });
});

it('integers are finite, and their scales must be', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(check('I8', all)).not.toThrow();
  expect(check('I8', all, Float32Array.of(1, 2))).not.toThrow();
  expect(check('I8', all, Float32Array.of(1, NaN))).toThrow(CheckpointError);
  expect(check('I8', all, Float32Array.of(Infinity, 1))).toThrow(CheckpointError);
});
