import { blendColors } from '../../src/colors/blend';

const mapping = {
  labels: [3, 9],
  colors: [[200, 100, 0] as const, [20, 40, 60] as const],
};

it('adds the colours of all labels, each times its fit at the pixel', () => {
  const planes = [Float32Array.of(0.5, 0.25, 0, 1), Float32Array.of(0.5, 0, 0.5, 0.25)];
  expect([...blendColors(planes, mapping)]).toEqual(
    [
      [110, 70, 30], // (200 + 20) / 2, (100 + 40) / 2, (0 + 60) / 2
      [50, 25, 0],
      [10, 20, 30],
      [205, 110, 15],
    ].flat(),
  );
});

it('is black where nothing fits, and never past white', () => {
  const planes = [Float32Array.of(0, 2), Float32Array.of(0, 1)];
  expect([...blendColors(planes, mapping)]).toEqual([0, 0, 0, 255, 240, 60]);
});

it('rounds to the nearest level', () => {
  const one = { labels: [1], colors: [[10, 20, 30] as const] };
  // 3.75, 7.5 (to even, 8), 11.25
  expect([...blendColors([Float32Array.of(0.375)], one)]).toEqual([4, 8, 11]);
});

it('gives plain bytes', () => {
  expect(blendColors([Float32Array.of(1)], mapping)).toBeInstanceOf(Uint8Array);
});
