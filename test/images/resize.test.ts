import cases from '../fixtures/pillow.json';
import { resizeBicubic, resizeNearest } from '../../src/images/resize';
import { largestDifference } from '../helpers/reference';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));

describe.each(cases)('$size to $to', ({ size, to, image, bicubic, nearest }) => {
  const from = [size[0], size[1], 3] as const;
  const target = [to[0], to[1]] as const;
  // The largest case stores every 7th row alone.
  const step = bytes(bicubic).length < to[0] * to[1] * 3 ? 7 : 1;
  const rows = (data: Uint8Array) => {
    const stride = to[1] * 3;
    return Uint8Array.from(
      { length: Math.ceil(to[0] / step) * stride },
      (_, i) => data[Math.floor(i / stride) * step * stride + (i % stride)],
    );
  };

  it('bicubic is within 1 level of Pillow on every pixel', () => {
    expect(
      largestDifference(rows(resizeBicubic(bytes(image), from, target)), bytes(bicubic)),
    ).toBeLessThanOrEqual(1);
  });

  it('nearest equals Pillow', () => {
    expect(rows(resizeNearest(bytes(image), from, target))).toEqual(bytes(nearest));
  });
});

describe.each(cases.slice(0, 6))(
  'other numbers of channels: $size to $to',
  ({ size, to, image }) => {
    const [height, width] = size;
    const target = [to[0], to[1]] as const;
    const rgb = bytes(image);
    const whole = resizeBicubic(rgb, [height, width, 3], target);

    it.each([1, 2, 4])('%i are resized as each would be alone', (channels) => {
      const mixed = Uint8Array.from(
        { length: height * width * channels },
        (_, i) => rgb[Math.floor(i / channels) * 3 + ((i % channels) % 3)],
      );
      const resized = resizeBicubic(mixed, [height, width, channels], target);
      expect(resized).toHaveLength(to[0] * to[1] * channels);
      const known = resized.map(
        (_, i) => whole[Math.floor(i / channels) * 3 + ((i % channels) % 3)],
      );
      expect(resized).toEqual(known);
    });
  },
);

it('takes lists of numbers, and leaves what it was given alone', () => {
  const given = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const same = resizeBicubic(given, [1, 2, 3], [1, 2]);
  expect(same).toEqual(given);
  same[0] = 9;
  expect(given[0]).toBe(1);
  expect(resizeBicubic([7, 8, 9], [1, 1, 3], [2, 1])).toEqual(Uint8Array.of(7, 8, 9, 7, 8, 9));
});

it('keeps overshooting levels within a byte', () => {
  // A step between black and white: the cubic's lobes reach below 0 and above 255.
  const step = Uint8Array.of(0, 0, 0, 255, 255, 255);
  const wide = resizeBicubic(step, [1, 6, 1], [1, 24]);
  // By Pillow: Image.fromarray(np.uint8([[0, 0, 0, 255, 255, 255]])).resize((24, 1), Image.BICUBIC).
  expect([...wide]).toEqual([
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21, 88, 167, 234, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255,
  ]);
  expect([...resizeBicubic(step, [6, 1, 1], [24, 1])]).toEqual([...wide]);
});

it('shrinks a row of one channel as Pillow does', () => {
  const row = Uint8Array.of(0, 0, 255, 0, 255, 255, 0, 0, 255, 9, 255, 250, 3, 0);
  expect([...resizeBicubic(row, [1, 14, 1], [1, 5])]).toEqual([58, 175, 86, 167, 85]);
  expect([...resizeBicubic(row, [14, 1, 1], [5, 1])]).toEqual([58, 175, 86, 167, 85]);
});

it('nearest keeps the type of array and every channel', () => {
  const given = Float32Array.of(0.5, -1, 300, 2.5);
  const resized = resizeNearest(given, [1, 2, 2], [2, 4]);
  expect(resized).toBeInstanceOf(Float32Array);
  const row = [0.5, -1, 0.5, -1, 300, 2.5, 300, 2.5];
  expect([...resized]).toEqual([...row, ...row]);
});
