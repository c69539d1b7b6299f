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

describe('F of lines, counted by hand', () => {
  /** All right of a column: its boundary is that column. */
  const line = (w: number, h: number, column: number) =>
    Uint8Array.from({ length: w * h }, (_, i) => (i % w > column ? 1 : 0));

  it.each<[number, number, number]>([
    // Width, height, and 0.008 of the diagonal rounded up.
    [30, 40, 1], // 50: 0.4
    [75, 100, 1], // 125: exactly 1
    [78, 104, 2], // 130: 1.04
    [150, 200, 2], // 250: exactly 2
    [153, 204, 3], // 255: 2.04
  ])('%i x %i has boundaries meet within %i', (w, h, radius) => {
    // An edge is the column left of a change: lines of h pixels, `distance` apart, match or do not.
    const f = (distance: number) =>
      boundaryAccuracy(line(w, h, 10 + distance), line(w, h, 10), w, h);
    expect(f(radius)).toBe(1);
    expect(f(radius + 1)).toBe(0);
    expect(f(-radius)).toBe(1);
    expect(f(-radius - 1)).toBe(0);
  });

  it('is 2pr / (p + r) where precision and recall differ', () => {
    const [w, h] = [30, 40];
    // Found: the edge of column 10 and two more, far from it. Truth: column 10 alone.
    const found = Uint8Array.from({ length: w * h }, (_, i) =>
      i % w > 10 && !(i % w > 17 && i % w <= 24) ? 1 : 0,
    );
    // Precision 1 / 3, recall 1: 2 / 3 / (4 / 3) = 1 / 2, whichever is which.
    expect(boundaryAccuracy(found, line(w, h, 10), w, h)).toBeCloseTo(0.5, 12);
    expect(boundaryAccuracy(line(w, h, 10), found, w, h)).toBeCloseTo(0.5, 12);
  });

  it('leaves out boundaries inside what is ignored, in both', () => {
    const [w, h] = [30, 40];
    const truthMask = line(w, h, 20);
    const found = Uint8Array.from(truthMask, (inside, i) => (i % w < 5 ? 1 : inside));
    const ignore = Uint8Array.from({ length: w * h }, (_, i) => (i % w < 6 ? 1 : 0));
    expect(boundaryAccuracy(found, truthMask, w, h)).toBeCloseTo(2 / 3, 12);
    expect(boundaryAccuracy(found, truthMask, w, h, ignore)).toBe(1);
    expect(boundaryAccuracy(truthMask, found, w, h, ignore)).toBe(1);
  });
});

it('recall counts frames above one half alone', () => {
  expect(sequenceStatistics([0.5, 0.5001, 0.4, 1]).recall).toBe(0.5);
});
