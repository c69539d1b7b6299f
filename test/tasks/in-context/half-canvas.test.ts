import { gridHalf } from '../../../src/tasks/in-context/half-canvas';
import { denormalizeColors, normalizeColors } from '../../../src/models/seggpt/normalize';

it('normalises with ImageNet statistics and back', () => {
  const rgb = Uint8Array.from({ length: 256 * 3 }, (_, i) => Math.floor(i / 3));
  expect(normalizeColors(Uint8Array.of(0, 255, 128))[1]).toBeCloseTo((1 - 0.456) / 0.224, 6);
  expect(Array.from(denormalizeColors(normalizeColors(rgb)), Math.round)).toEqual([...rgb]);
});

it('clips what is painted outside the range', () => {
  expect([...denormalizeColors(Float32Array.of(-9, 9, 0))].slice(0, 2)).toEqual([0, 255]);
});

it('spreads prompts over a grid and repeats the first in left-over cells', () => {
  const half = gridHalf(3, { height: 4, width: 5 }, (index, { height, width }) =>
    new Uint8Array(height * width * 3).fill(index + 1),
  );
  const first = Array.from({ length: 20 }, (_, i) => half[i * 3]);
  expect(first).toEqual([1, 1, 1, 2, 2, 1, 1, 1, 2, 2, 3, 3, 3, 1, 1, 3, 3, 3, 1, 1]);
});
