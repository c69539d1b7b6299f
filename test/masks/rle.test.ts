import fc from 'fast-check';
import { InvalidInputError } from '../../src/base/errors';
import { compressRle, decodeRle, decompressRle, encodeRle, type Rle } from '../../src/masks/rle';

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

it('says the size as height, then width, in every form', () => {
  const rle = encodeRle([1, 0, 0, 1, 1, 0], 2, 3);
  expect(compressRle(rle).size).toEqual([2, 3]);
  expect(decompressRle(compressRle(rle)).size).toEqual([2, 3]);
  // The same runs of another size are another mask: down columns of 3, not of 2.
  expect([...decodeRle({ size: [2, 3], counts: rle.counts })]).toEqual([1, 0, 0, 1, 1, 0]);
  expect([...decodeRle({ size: [3, 2], counts: rle.counts })]).toEqual([1, 1, 1, 0, 0, 0]);
});

it('takes any value but 0 as inside', () => {
  expect(encodeRle([0, 7, 255, 0], 2, 2).counts).toEqual([1, 2, 1]);
  expect(encodeRle([5, 5], 1, 2).counts).toEqual([0, 2]);
  expect(encodeRle([0, 0], 2, 1).counts).toEqual([2]);
});

describe('the compressed string', () => {
  it.each<[string, number[], string]>([
    // Digits of 5 bits, lowest first, 32 where more follow, from '0' on; the sign is bit 16 of the last.
    ['one digit up to 15', [0, 15], '0?'],
    ['two digits from 16 on', [16, 31, 32], '`0o0P1'],
    ['numbers from the fourth on as differences to the one two before', [1, 2, 3, 4], '1232'],
    ['negative differences', [9, 9, 9, 8, 7], '999ON'],
    ['differences down to -16, and below in two digits', [0, 40, 0, 24, 0, 7], '0X10@0_O'],
  ])('has %s', (_, counts, text) => {
    const total = counts.reduce((a, b) => a + b, 0);
    expect(compressRle({ size: [total, 1], counts }).counts).toBe(text);
    expect(decompressRle({ size: [total, 1], counts: text }).counts).toEqual(counts);
  });
});

it('keeps differences of more than 30 bits', () => {
  const rle = { size: [2 ** 30 + 1, 1] as [number, number], counts: [0, 2 ** 30, 0, 1] };
  expect(decompressRle(compressRle(rle))).toEqual(rle);
});

describe('refuses', () => {
  it.each<[string, Parameters<typeof decodeRle>[0], RegExp]>([
    ['too few pixels', { size: [2, 3], counts: [0, 5] }, /cover 5 pixels, .* 2 x 3 has 6/],
    ['too many', { size: [2, 3], counts: [0, 7] }, /cover 7 pixels/],
    ['runs below zero', { size: [2, 3], counts: [7, -1] }, /^rle: /],
    ['broken runs', { size: [1, 3], counts: [0.5, 2.5] }, /^rle: /],
    ['a string cut short', { size: [1, 16], counts: 'P' }, /damaged at character 1/],
    ['characters before 0', { size: [1, 3], counts: '1/' }, /damaged at character 1/],
    ['characters past o', { size: [1, 3], counts: '12p' }, /damaged at character 2/],
    ['numbers without an end', { size: [1, 3], counts: 'oooooooo0' }, /damaged at character 7/],
  ])('%s', (_, rle, message) => {
    expect(() => decodeRle(rle)).toThrow(InvalidInputError);
    expect(() => decodeRle(rle)).toThrow(message);
  });
});

it.each<[string, unknown]>([
  ['negative sides', { size: [-2, -3], counts: [6] }],
  ['sides that are no whole numbers', { size: [2.5, 2], counts: [5] }],
  ['more pixels than any picture', { size: [1e9, 1e9], counts: [1e18] }],
  ['no size', { counts: [4] }],
  ['no counts', { size: [2, 2] }],
  ['half a letter', { size: [2, 2], counts: '\ud800' }],
])('refuses %s', (_, rle) => {
  expect(() => decodeRle(rle as Parameters<typeof decodeRle>[0])).toThrow(InvalidInputError);
});

it.each([null, { size: [2, 2], counts: [{ toString: 1 }, 4] }, { size: [2, 2], counts: [-1, 5] }])(
  'refuses %j, found by fuzzing',
  (rle) => expect(() => decodeRle(rle as unknown as Rle)).toThrow(InvalidInputError),
);
