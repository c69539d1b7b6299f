import fc from 'fast-check';
import {
  colorize,
  leastSeparation,
  mapColors,
  paletteColors,
  randomColors,
} from '../../src/colors/color-mapping';
import { InvalidInputError } from '../../src/base/errors';

describe('random colours', () => {
  it('are the same for the same seed and others for another', () => {
    expect(randomColors(5, 3)).toEqual(randomColors(5, 3));
    expect(randomColors(5, 3)).not.toEqual(randomColors(5, 4));
  });

  it('lie as far apart as their number allows: 255 for up to 7, then half, and so on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), fc.nat(), (count, seed) => {
        const levels = Math.max(2, Math.ceil(Math.cbrt(count + 1)));
        const colors = randomColors(count, seed);
        expect(new Set(colors.map(String)).size).toBe(count);
        expect(leastSeparation(colors)).toBeGreaterThanOrEqual(Math.floor(255 / (levels - 1)));
      }),
      { numRuns: 40 },
    );
  });

  it('make a single label white, the farthest from black', () => {
    expect(randomColors(1, 5)).toEqual([[255, 255, 255]]);
  });

  it('use farther corners first', () => {
    // Four colours and black fit on corners that differ in two channels, but for one pair.
    expect(leastSeparation(randomColors(3, 0))).toBeCloseTo(255 * Math.SQRT2, 5);
  });
});

describe('palette', () => {
  // transformers 5: SegGptImageProcessor.get_palette(n), background left out
  it('is the lattice of Hugging Face', () => {
    expect(paletteColors(1)).toEqual([[255, 255, 255]]);
    expect(paletteColors(4)).toEqual([
      [255, 255, 255],
      [255, 255, 127],
      [255, 127, 255],
      [255, 127, 127],
    ]);
    expect(paletteColors(10)[9]).toEqual([170, 255, 255]);
    // Whole cubes: int(n ** (1 / 3)) + 1 is 4 for 27 and for 64, 5 for 125, 6 for 216 in Python.
    expect([27, 64, 125, 216].map((count) => paletteColors(count)[count - 1])).toEqual([
      [191, 127, 127],
      [63, 63, 63],
      [51, 51, 51],
      [45, 45, 45],
    ]);
  });

  it('has as many levels as Python finds, for every number of labels', () => {
    // Python: the last n for which int(n ** (1 / 3)) + 1 is 2, 3, 4, …
    const last = [7, 26, 64, 125, 216, 255];
    for (let count = 2; count <= 255; count++) {
      const base = 2 + last.findIndex((most) => count <= most);
      const margin = Math.floor(256 / base);
      const [, second] = paletteColors(count);
      expect([count, ...second]).toEqual([count, 255, 255, 255 - margin]);
    }
  });
});

it('binary is white on black and for one label', () => {
  expect(mapColors([9], 'binary', 0)).toEqual({ labels: [9], colors: [[255, 255, 255]] });
  expect(() => mapColors([1, 2], 'binary', 0)).toThrow(InvalidInputError);
});

it('colours labels and leaves the rest black', () => {
  const mapping = { labels: [2, 7], colors: [[1, 2, 3] as const, [4, 5, 6] as const] };
  expect([...colorize(Uint8Array.of(0, 2, 7, 3), mapping)]).toEqual([
    0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0,
  ]);
});
