import fc from 'fast-check';
import { colorize, mapColors } from '../../src/colors/color-mapping';
import { colorFits, decodeFits } from '../../src/colors/decode';
import { seededRandom } from '../../src/base/random';
import { resizeNearest } from '../../src/images/resize';

function paint(
  labels: Uint8Array,
  width: number,
  height: number,
  known: number[],
  seed: number,
  noise = () => 0,
) {
  const mapping = mapColors(known, 'random', seed);
  const data = Float32Array.from(colorize(labels, mapping), (value) =>
    Math.min(255, Math.max(0, value + noise())),
  );
  return { width, height, data, mapping };
}

it('gives any label map back from its own colours, up to 255 labels at once', () => {
  fc.assert(
    fc.property(
      fc
        .uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 255 })
        .chain((known) =>
          fc.record({
            known: fc.constant(known),
            labels: fc.array(fc.constantFrom(0, ...known), { minLength: 48, maxLength: 48 }),
            seed: fc.nat(),
          }),
        ),
      ({ known, labels, seed }) => {
        const painting = paint(Uint8Array.from(labels), 8, 6, known, seed);
        const decoded = decodeFits(
          colorFits(painting),
          painting.mapping.labels,
          [6, 8],
          [6, 8],
          'nearest',
        );
        expect([...decoded.labels]).toEqual(labels);
      },
    ),
    { numRuns: 50 },
  );
});

it('fits sum to one, and fall as the colour moves away', () => {
  const painting = paint(Uint8Array.of(1, 0, 2, 1), 2, 2, [1, 2], 5, () => 20);
  const planes = colorFits(painting);
  for (let i = 0; i < 4; i++)
    expect(planes.reduce((sum, plane) => sum + plane[i], 0)).toBeCloseTo(1, 5);
  const clean = paint(Uint8Array.of(1), 1, 1, [1, 2], 5);
  const faded = { ...clean, data: clean.data.map((value) => value * 0.6) };
  expect(colorFits(faded)[1][0]).toBeLessThan(colorFits(clean)[1][0] - 0.01);
});

it('upsamples by nearest exactly as labels are', () => {
  const labels = Uint8Array.from({ length: 20 }, (_, i) => (i * 7) % 3);
  const painting = paint(labels, 5, 4, [1, 2], 1);
  const decoded = decodeFits(colorFits(painting), [1, 2], [4, 5], [13, 11], 'nearest');
  expect(decoded.labels).toEqual(resizeNearest(labels, [4, 5, 1], [13, 11]));
});

it('smooth upsampling draws a disc better than nearest does', () => {
  const disc = (size: number) =>
    Uint8Array.from({ length: size * size }, (_, i) => {
      const [x, y] = [(i % size) + 0.5 - size / 2, Math.floor(i / size) + 0.5 - size / 2];
      return Math.hypot(x, y) < size * 0.37 ? 1 : 0;
    });
  // A painting at 20 x 20 whose edge pixels are blends, as a model paints them.
  const fine = disc(200);
  const mapping = mapColors([1], 'random', 0);
  const data = new Float32Array(20 * 20 * 3);
  for (let i = 0; i < 200 * 200; i++) {
    const at = (Math.floor(i / 2000) * 20 + Math.floor((i % 200) / 10)) * 3;
    for (let c = 0; c < 3; c++) data[at + c] += (fine[i] * mapping.colors[0][c]) / 100;
  }
  const fits = colorFits({ width: 20, height: 20, data, mapping });
  const wrong = (upsampling: 'smooth' | 'nearest') =>
    decodeFits(fits, [1], [20, 20], [200, 200], upsampling).labels.reduce(
      (sum, label, i) => sum + (label !== fine[i] ? 1 : 0),
      0,
    );
  expect(wrong('smooth')).toBeLessThan(wrong('nearest') * 0.6);
});

/** Every label interpolated at every pixel, one full-size pass each: the specification of smooth decoding. */
function decodePlainly(
  fits: readonly Float32Array[],
  labels: readonly number[],
  [height, width]: readonly [number, number],
  [toHeight, toWidth]: readonly [number, number],
) {
  const taps = (inputs: number, outputs: number) =>
    Array.from({ length: outputs }, (_, o) => {
      const x = Math.max(((o + 0.5) * inputs) / outputs - 0.5, 0);
      const low = Math.min(Math.floor(x), inputs - 1);
      return { low, high: Math.min(low + 1, inputs - 1), share: Math.fround(x - low) };
    });
  const [rows, columns] = [taps(height, toHeight), taps(width, toWidth)];
  const decoded = new Uint8Array(toHeight * toWidth);
  const scores = new Float32Array(toHeight * toWidth).fill(-1);
  fits.forEach((plane, k) => {
    if (k > 0 && plane.every((fit) => fit < 0.01)) return;
    for (let at = 0; at < decoded.length; at++) {
      const [row, column] = [rows[Math.floor(at / toWidth)], columns[at % toWidth]];
      const lerp = (a: number, b: number, share: number) => a + (b - a) * share;
      const across = (y: number) =>
        lerp(plane[y * width + column.low], plane[y * width + column.high], column.share);
      const fit = Math.fround(lerp(across(row.low), across(row.high), row.share));
      if (fit > scores[at]) {
        scores[at] = fit;
        decoded[at] = k === 0 ? 0 : labels[k - 1];
      }
    }
  });
  return { decoded, scores };
}

it('fills cells exactly as every pixel by itself would be decoded, scores and their sums included', () => {
  const side = fc.integer({ min: 1, max: 9 });
  const target = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(
      side,
      side,
      target,
      target,
      fc.integer({ min: 1, max: 6 }),
      fc.integer(),
      fc.constantFrom(0, 3, 30),
      (height, width, toHeight, toWidth, count, seed, contrast) => {
        // From noise, where every cell is open, to areas, where nearly none is.
        const random = seededRandom(seed);
        const planes = Array.from({ length: count + 1 }, () => new Float32Array(height * width));
        for (let i = 0; i < height * width; i++) {
          const weights = planes.map(() => random() ** (1 + contrast));
          const sum = weights.reduce((a, b) => a + b, 1e-9);
          planes.forEach((plane, k) => (plane[i] = weights[k] / sum));
        }
        const labels = Array.from({ length: count }, (_, k) => 3 + 2 * k);
        const sizes = [
          [height, width],
          [toHeight, toWidth],
        ] as const;
        const fast = decodeFits(planes, labels, ...sizes, 'smooth');
        const plain = decodePlainly(planes, labels, ...sizes);
        expect(fast.labels).toEqual(plain.decoded);
        const scores = fast.scores();
        const sums = new Float64Array(256);
        plain.scores.forEach((score, i) => {
          expect(scores[i]).toBeCloseTo(score, 6);
          sums[plain.decoded[i]] += score;
        });
        sums.forEach((sum, label) => expect(fast.scoreSums[label]).toBeCloseTo(sum, 3));
      },
    ),
    { numRuns: 300 },
  );
});

it('by nearest, scores are those of the pixels read, and their sums add up', () => {
  const planes = [Float32Array.of(0.75, 0.125), Float32Array.of(0.25, 0.875)];
  const { labels, scores, scoreSums } = decodeFits(planes, [7], [1, 2], [1, 4], 'nearest');
  expect([...labels]).toEqual([0, 0, 7, 7]);
  expect([...scores()]).toEqual([0.75, 0.75, 0.875, 0.875]);
  expect([scoreSums[0], scoreSums[7]]).toEqual([1.5, 1.75]);
});
