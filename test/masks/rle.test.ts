import fc from 'fast-check';
import { InvalidInputError } from '../../src/base/errors';
import { compressRle, decodeRle, decompressRle, encodeRle } from '../../src/masks/rle';

const masks = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
  .chain(([height, width]) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      data: fc.array(fc.constantFrom(0, 1), {
        minLength: height * width,
        maxLength: height * width,
      }),
    }),
  );

it('goes down columns, starting with background', () => {
  //  1 0 0
  //  1 1 0
  expect(encodeRle([1, 0, 0, 1, 1, 0], 2, 3)).toEqual({ size: [2, 3], counts: [0, 2, 1, 1, 2] });
});

it('compresses as pycocotools does', () => {
  // pycocotools.mask.encode of a 5 x 7 mask with rows 1-3, columns 2-4 set
  const mask = new Uint8Array(35);
  for (let y = 1; y < 4; y++) for (let x = 2; x < 5; x++) mask[y * 7 + x] = 1;
  const rle = encodeRle(mask, 5, 7);
  expect(rle.counts).toEqual([11, 3, 2, 3, 2, 3, 11]);
  expect(compressRle(rle).counts).toBe(';320009');
});

it('round trips', () => {
  fc.assert(
    fc.property(masks, ({ height, width, data }) => {
      const rle = encodeRle(data, height, width);
      expect([...decodeRle(rle)]).toEqual(data);
      expect(decompressRle(compressRle(rle))).toEqual(rle);
      expect([...decodeRle(compressRle(rle))]).toEqual(data);
    }),
  );
});

it('keeps large counts', () => {
  const rle = { size: [40_000, 50_000] as [number, number], counts: [1_999_999_999, 1] };
  expect(decompressRle(compressRle(rle))).toEqual(rle);
});

it('refuses damaged input with a typed error, whatever it is', () => {
  expect(() => decodeRle({ size: [2, 2], counts: [1, 2] })).toThrow(InvalidInputError);
  fc.assert(
    fc.property(fc.string(), (counts) => {
      try {
        decodeRle({ size: [3, 3], counts });
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInputError);
      }
    }),
  );
});
