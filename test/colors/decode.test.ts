import fc from 'fast-check';
import { colorize, mapColors } from '../../src/colors/color-mapping';
import { colorFits, decodeFits } from '../../src/colors/decode';
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
