import { denormalizeColors, normalizeColors } from '../../../src/models/seggpt/normalize';

/** torchvision's `Normalize` with ImageNet's statistics: by Python, `(v / 255 - mean) / std`. */
const known = [
  [0, -2.1179039301, -2.0357142857, -1.8044444444],
  [1, -2.1007791763, -2.0182072829, -1.7870152505],
  [128, 0.0740645603, 0.2051820728, 0.4264923747],
  [255, 2.2489082969, 2.4285714286, 2.64],
] as const;

it.each(known)('level %i, channel by channel', (level, ...values) => {
  const rgb = Uint8Array.of(9, 9, 9, level, level, level);
  const normalized = normalizeColors(rgb);
  expect(normalized).toHaveLength(6);
  values.forEach((value, c) => expect(normalized[3 + c]).toBeCloseTo(value, 5));
  const back = denormalizeColors(Float32Array.of(0, 0, 0, ...values));
  for (let c = 0; c < 3; c++) expect(back[3 + c]).toBeCloseTo(level, 3);
});

it('keeps fractions of a level, and clips what lies outside', () => {
  const [, , [, red]] = known;
  const half = denormalizeColors(Float32Array.of(red + 0.5 / 255 / 0.229));
  expect(half[0]).toBeCloseTo(128.5, 3);
  const clipped = denormalizeColors(Float32Array.of(-2.2, 2.5, 2.7, 2.3, -2.1, -1.9));
  expect([...clipped]).toEqual([0, 255, 255, 255, 0, 0]);
});
