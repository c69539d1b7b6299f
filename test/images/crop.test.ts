import fc from 'fast-check';
import { cropImage, crop, place, type Region, widen } from '../../src/images/crop';

/** A picture that is not square, a region inside it, and 1 to 4 channels. */
const cases = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    channels: fc.integer({ min: 1, max: 4 }),
  })
  .chain((size) =>
    fc.record({ x: fc.nat(size.width - 1), y: fc.nat(size.height - 1) }).chain(({ x, y }) =>
      fc.record({
        width: fc.constant(size.width),
        height: fc.constant(size.height),
        channels: fc.constant(size.channels),
        region: fc.tuple(
          fc.constant(x),
          fc.constant(y),
          fc.integer({ min: 1, max: size.width - x }),
          fc.integer({ min: 1, max: size.height - y }),
        ),
      }),
    ),
  );

describe('crop', () => {
  it('cuts columns x … x + w of rows y … y + h', () => {
    // 4 x 3 of two channels; a pixel is its place and its place plus 100
    const data = Uint8Array.from({ length: 24 }, (_, i) => (i >> 1) + (i % 2) * 100);
    expect([...crop(data, 4, 2, [1, 1, 3, 2])]).toEqual([
      5, 105, 6, 106, 7, 107, 9, 109, 10, 110, 11, 111,
    ]);
    expect([...crop(data, 4, 2, [3, 0, 1, 3])]).toEqual([3, 103, 7, 107, 11, 111]);
  });

  it('gives each pixel of the region, channel by channel', () => {
    fc.assert(
      fc.property(cases, ({ width, height, channels, region }) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => i % 251);
        const [x, y, w, h] = region;
        const expected: number[] = [];
        for (let row = y; row < y + h; row++)
          for (let column = x; column < x + w; column++)
            for (let c = 0; c < channels; c++)
              expected.push(data[(row * width + column) * channels + c]);
        expect([...crop(data, width, channels, region)]).toEqual(expected);
      }),
    );
  });

  it('gives pixels of its own', () => {
    const data = Uint8Array.of(1, 2, 3, 4);
    crop(data, 2, 1, [0, 0, 2, 2])[0] = 9;
    expect([...data]).toEqual([1, 2, 3, 4]);
  });
});

describe('place', () => {
  it('puts a region into zeros', () => {
    expect([...place(Uint8Array.of(1, 2, 3, 4), 1, [1, 0, 2, 2], 4, 3)]).toEqual([
      0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0,
    ]);
    expect([...place(Uint8Array.of(1, 2, 3, 4), 2, [0, 1, 1, 2], 2, 3)]).toEqual([
      0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0,
    ]);
  });

  it('undoes a crop, and leaves the rest zero', () => {
    fc.assert(
      fc.property(cases, ({ width, height, channels, region }) => {
        const data = Uint8Array.from(
          { length: width * height * channels },
          (_, i) => 1 + (i % 251),
        );
        const [x, y, w, h] = region;
        const expected = data.map((value, i) => {
          const pixel = Math.floor(i / channels);
          const [column, row] = [pixel % width, Math.floor(pixel / width)];
          return column >= x && column < x + w && row >= y && row < y + h ? value : 0;
        });
        const placed = place(crop(data, width, channels, region), channels, region, width, height);
        expect([...placed]).toEqual([...expected]);
      }),
    );
  });

  it('copies nothing where the region is the whole picture, and only then', () => {
    const data = new Uint8Array(6);
    expect(place(data, 1, [0, 0, 3, 2], 3, 2)).toBe(data);
    expect(place(data, 1, [0, 0, 3, 2], 3, 4)).toHaveLength(12);
    expect(place(data, 1, [0, 0, 3, 2], 5, 2)).toHaveLength(10);
  });
});

describe('widen', () => {
  it.each<[string, Region, number, Region]>([
    // In a picture of 200 x 100, whose quarters are 50 and 25.
    ['grows around the centre', [40, 20, 20, 10], 3, [20, 10, 60, 30]],
    ['takes a quarter of the picture at least', [40, 20, 20, 10], 1.5, [25, 13, 50, 25]],
    ['takes a quarter of one side alone', [40, 20, 40, 10], 2, [20, 13, 80, 25]],
    ['stops at the left and top', [4, 2, 20, 10], 4, [0, 0, 80, 40]],
    ['stops at the right and bottom', [185, 94, 10, 5], 8, [120, 60, 80, 40]],
    ['is the whole picture at most', [40, 20, 20, 10], 100, [0, 0, 200, 100]],
    ['stays as it is for a margin of 1', [30, 10, 60, 40], 1, [30, 10, 60, 40]],
  ])('%s', (_, region, margin, expected) => {
    expect(widen(region, margin, 200, 100)).toEqual(expected);
  });

  it('is a pixel at least', () => {
    expect(widen([0, 0, 1, 1], 0.1, 1, 1)).toEqual([0, 0, 1, 1]);
    expect(widen([1, 0, 1, 1], 0.1, 2, 3)).toEqual([1, 0, 1, 1]);
  });

  it('lies in the picture and holds the box', () => {
    const span = fc
      .integer({ min: 1, max: 60 })
      .chain((limit) =>
        fc
          .nat(limit - 1)
          .chain((start) =>
            fc.tuple(
              fc.constant(limit),
              fc.constant(start),
              fc.integer({ min: 1, max: limit - start }),
            ),
          ),
      );
    fc.assert(
      fc.property(
        span,
        span,
        fc.double({ min: 1, max: 5, noNaN: true }),
        ([width, x, w], [height, y, h], margin) => {
          const [left, top, across, down] = widen([x, y, w, h], margin, width, height);
          for (const [from, length, limit, start, size] of [
            [left, across, width, x, w],
            [top, down, height, y, h],
          ]) {
            expect(from).toBeGreaterThanOrEqual(0);
            expect(from + length).toBeLessThanOrEqual(limit);
            expect(from).toBeLessThanOrEqual(start);
            expect(from + length).toBeGreaterThanOrEqual(start + size);
          }
        },
      ),
    );
  });
});

it('a region of a picture is a picture, and all of it the picture itself', () => {
  const image = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i) };
  expect(cropImage(image, [0, 0, 3, 2])).toBe(image);
  expect(cropImage(image, [1, 0, 1, 2])).toEqual({
    width: 1,
    height: 2,
    data: Uint8Array.of(3, 4, 5, 12, 13, 14),
  });
  expect(cropImage(image, [0, 1, 3, 1]).data).toEqual(image.data.subarray(9));
});
