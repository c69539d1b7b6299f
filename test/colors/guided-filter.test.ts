import fc from 'fast-check';
import { seededRandom } from '../../src/base/random';
import { guidedFilter } from '../../src/colors/guided-filter';

const random = seededRandom(3);
const [height, width] = [9, 11];
const size = height * width;
const guide = Uint8Array.from({ length: size * 3 }, () => random() * 256);
const plane = () => Float32Array.from({ length: size }, () => random());

/** The paper's equations, window by window: nothing is shared and nothing is cut short. */
function plainly(p: Float32Array, radius: number, epsilon: number): Float64Array {
  const colour = (i: number) => [0, 1, 2].map((c) => guide[i * 3 + c] / 255);
  const window = (i: number) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return Array.from({ length: size }, (_, j) => j).filter(
      (j) => Math.abs(Math.floor(j / width) - y) <= radius && Math.abs((j % width) - x) <= radius,
    );
  };
  const mean = (of: readonly number[], value: (i: number) => number) =>
    of.reduce((sum, i) => sum + value(i), 0) / of.length;
  const functions = Array.from({ length: size }, (_, k) => {
    const inside = window(k);
    const m = [0, 1, 2].map((c) => mean(inside, (i) => colour(i)[c]));
    const level = mean(inside, (i) => p[i]);
    const rows = [0, 1, 2].map((a) => [
      ...[0, 1, 2].map(
        (b) =>
          mean(inside, (i) => (colour(i)[a] - m[a]) * (colour(i)[b] - m[b])) +
          (a === b ? epsilon : 0),
      ),
      mean(inside, (i) => (colour(i)[a] - m[a]) * (p[i] - level)),
    ]);
    // Gauss-Jordan
    for (let a = 0; a < 3; a++) {
      const by = rows[a][a];
      rows[a] = rows[a].map((value) => value / by);
      for (let b = 0; b < 3; b++)
        if (b !== a) rows[b] = rows[b].map((value, c) => value - rows[b][a] * rows[a][c]);
    }
    const slope = rows.map((row) => row[3]);
    return { slope, offset: level - slope.reduce((sum, s, c) => sum + s * m[c], 0) };
  });
  return Float64Array.from({ length: size }, (_, i) =>
    mean(window(i), (k) =>
      functions[k].slope.reduce((sum, s, c) => sum + s * colour(i)[c], functions[k].offset),
    ),
  );
}

it.each([
  [1, 1e-3],
  [2, 1e-2],
  [4, 1e-4],
  [30, 1e-3],
])('radius %i, epsilon %d: as the paper says, window by window', (radius, epsilon) => {
  const p = plane();
  const filtered = guidedFilter(guide, [height, width], radius, epsilon)(p);
  const expected = plainly(p, radius, epsilon);
  filtered.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(2e-4));
});

it('planes that sum to 1 still do, and are left as they were', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), (radius) => {
      const first = plane();
      const second = first.map((value) => 1 - value);
      const before = [...first];
      const [a, b] = [first, second].map(guidedFilter(guide, [height, width], radius, 1e-3));
      a.forEach((value, i) => expect(Math.abs(value + b[i] - 1)).toBeLessThan(1e-3));
      expect([...first]).toEqual(before);
    }),
    { numRuns: 10 },
  );
});

it('an edge a pixel off the picture’s moves onto it', () => {
  const half = (from: number) => (i: number) => Number(i % width >= from);
  const picture = Uint8Array.from(
    { length: size * 3 },
    (_, i) => 200 * half(5)(Math.floor(i / 3)) + 20,
  );
  const off = Float32Array.from({ length: size }, (_, i) => half(6)(i));
  const moved = guidedFilter(picture, [height, width], 4, 1e-4)(off);
  expect(Array.from(moved, (value) => Number(value > 0.5))).toEqual(
    Array.from({ length: size }, (_, i) => half(5)(i)),
  );
});

it('without edges in the picture it is a blur', () => {
  const flat = new Uint8Array(size * 3).fill(90);
  const p = plane();
  const mean = p.reduce((sum, value) => sum + value, 0) / size;
  const blurred = guidedFilter(flat, [height, width], 40, 1e-3)(p);
  blurred.forEach((value) => expect(value).toBeCloseTo(mean, 4));
});
