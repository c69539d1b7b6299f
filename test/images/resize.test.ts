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
