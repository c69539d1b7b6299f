import {
  boundary,
  boundaryAccuracy,
  regionSimilarity,
  sequenceStatistics,
} from '../../src/evaluation/davis';

/** A mask with a rectangle. */
function rectangle(
  width: number,
  height: number,
  x: number,
  y: number,
  w: number,
  h: number,
): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [px, py] = [i % width, Math.floor(i / width)];
    return px >= x && px < x + w && py >= y && py < y + h ? 1 : 0;
  });
}
const [width, height] = [200, 150]; // diagonal 250: boundaries may be 2 pixels apart
const truth = rectangle(width, height, 50, 40, 60, 50);

describe('J', () => {
  it('is intersection over union', () => {
    expect(regionSimilarity(truth, truth)).toBe(1);
    expect(regionSimilarity(rectangle(width, height, 80, 40, 60, 50), truth)).toBeCloseTo(
      30 / 90,
      10,
    );
    expect(regionSimilarity(new Uint8Array(truth.length), truth)).toBe(0);
  });
  it('is 1 where both are empty, and leaves out what is ignored', () => {
    const none = new Uint8Array(truth.length);
    expect(regionSimilarity(none, none)).toBe(1);
    const half = rectangle(width, height, 50, 40, 30, 50);
    const ignore = rectangle(width, height, 80, 0, 200, height);
    expect(regionSimilarity(half, truth, ignore)).toBe(1);
  });
});

describe('F', () => {
  const f = (found: Uint8Array, ignore?: Uint8Array) =>
    boundaryAccuracy(found, truth, width, height, ignore);
  it('is 1 within the tolerance of 0.008 of the diagonal, and 0 far beyond it', () => {
    expect(f(truth)).toBe(1);
    expect(f(rectangle(width, height, 52, 40, 60, 50))).toBe(1);
    expect(f(rectangle(width, height, 150, 110, 30, 30))).toBe(0);
  });
  it('is 0 where one is empty, 1 where both are', () => {
    const none = new Uint8Array(truth.length);
    expect(f(none)).toBe(0);
    expect(boundaryAccuracy(none, none, width, height)).toBe(1);
  });
  it('is the harmonic mean of precision and recall, a pixel matching within 2 of the other boundary', () => {
    // By definition: every pair of boundary pixels, their distance squared at most 4.
    const edgeOf = (mask: Uint8Array) =>
      [...boundary(mask, width, height).entries()].filter(([, on]) => on).map(([i]) => i);
    const near = (i: number, others: number[]) =>
      others.some(
        (j) =>
          ((i % width) - (j % width)) ** 2 + (Math.floor(i / width) - Math.floor(j / width)) ** 2 <=
          4,
      );
    const share = (from: number[], to: number[]) =>
      from.filter((i) => near(i, to)).length / from.length;
    for (const [x, y, w, h] of [
      [60, 40, 60, 50],
      [52, 43, 60, 50],
      [50, 40, 40, 50],
      [47, 38, 71, 59],
    ]) {
      const moved = rectangle(width, height, x, y, w, h);
      const [found, wanted] = [edgeOf(moved), edgeOf(truth)];
      const [precision, recall] = [share(found, wanted), share(wanted, found)];
      expect(f(moved)).toBeCloseTo((2 * precision * recall) / (precision + recall), 12);
    }
    // A ring of one pixel around the upper left: 61 x 51 less 59 x 49.
    expect(edgeOf(truth)).toHaveLength(220);
  });
});

it('boundaries lie on the upper left side of an edge', () => {
  const mask = rectangle(4, 4, 1, 1, 2, 2);
  expect([...boundary(mask, 4, 4)]).toEqual([1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
});

it('mean, recall and decay over a sequence', () => {
  const { mean, recall, decay } = sequenceStatistics([1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0]);
  expect(mean).toBeCloseTo(0.5, 10);
  expect(recall).toBe(0.5);
  // Borders of the quarters of 8 frames are frames 1, 3, 5, 6 and 8, each in both quarters.
  expect(decay).toBeCloseTo((1 + 1 + 0.8) / 3 - 0.2 / 3, 10);
  expect(sequenceStatistics([0.7, 0.7, 0.7, 0.7, 0.7]).decay).toBeCloseTo(0, 10);
});
