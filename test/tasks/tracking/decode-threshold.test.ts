import { decodeThreshold } from '../../../src/tasks/tracking/decode-threshold';

/** A painting of 3 x 2: rows of colours. */
const rows = [
  [
    [255, 255, 255],
    [0, 0, 0],
    [128, 128, 128],
  ],
  [
    [255, 0, 0],
    [0, 255, 255],
    [0, 0, 153],
  ],
];
const painting = {
  width: 3,
  height: 2,
  data: Float32Array.from(rows.flat(2)),
  mapping: { labels: [6], colors: [[255, 255, 255] as const] },
};

it('marks what is brighter than the threshold, by the mean of the channels', () => {
  // Means: 255, 0, 128 and 85, 170, 51.
  const labels = (threshold: number) => [...decodeThreshold(painting, 6, threshold, [2, 3]).labels];
  expect(labels(128)).toEqual([6, 0, 0, 0, 6, 0]);
  expect(labels(127)).toEqual([6, 0, 6, 0, 6, 0]);
  expect(labels(84.9)).toEqual([6, 0, 6, 6, 6, 0]);
  expect(labels(0)).toEqual([6, 0, 6, 6, 6, 6]);
  expect(labels(255)).toEqual([0, 0, 0, 0, 0, 0]);
});

it('is as sure as the pixel is bright, or dark, and sums that up for each label', () => {
  const { scores, scoreSums } = decodeThreshold(painting, 6, 128, [2, 3]);
  const known = [1, 1, 1 - 128 / 255, 1 - 85 / 255, 170 / 255, 0.8];
  [...scores()].forEach((score, i) => expect(score).toBeCloseTo(known[i], 6));
  expect(scoreSums).toHaveLength(256);
  expect(scoreSums[6]).toBeCloseTo(known[0] + known[4], 6);
  expect(scoreSums[0]).toBeCloseTo(known[1] + known[2] + known[3] + known[5], 6);
});

it('brings the painting to the size of the target by nearest', () => {
  const decoded = decodeThreshold(painting, 6, 128, [4, 6]);
  expect(decoded).toMatchObject({ width: 6, height: 4 });
  const [above, below] = [
    [6, 6, 0, 0, 0, 0],
    [0, 0, 6, 6, 0, 0],
  ];
  expect([...decoded.labels]).toEqual([...above, ...above, ...below, ...below]);
});
