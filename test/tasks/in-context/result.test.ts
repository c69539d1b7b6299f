import { SegmentationResult } from '../../../src/tasks/in-context/result';

/** A target of 5 x 4 of which the 3 x 2 pixels at (1, 2) were painted. */
const [width, height] = [5, 4];
const image = { width, height, data: new Uint8Array(width * height * 3).fill(100) };
const decoded = {
  width: 3,
  height: 2,
  labels: Uint8Array.of(0, 4, 4, 9, 4, 0),
  scoreSums: Float64Array.from({ length: 256 }, (_, label) => (label === 4 ? 1.5 : 0.7)),
  scores: jest.fn(() => Float32Array.of(0.125, 0.25, 0.375, 0.5, 0.625, 0.75)),
};
const mapping = { labels: [4, 9], colors: [[255, 0, 0] as const, [0, 0, 255] as const] };
/** One even colour, with fractions of a level. */
const painting = {
  width: 2,
  height: 2,
  mapping,
  data: Float32Array.from({ length: 12 }, (_, i) => [10.4, 20.6, 30][i % 3]),
};
const parts = {
  image,
  decoded,
  labels: [4, 7, 9],
  names: ['cat', 'dog', 'hat'],
  paintings: [painting],
  engine: 'wasm',
};
const result = new SegmentationResult({ ...parts, region: [1, 2, 3, 2] });
/** A row of the region with what lies beside it. */
const grid = (outside: number, inside: readonly (readonly number[])[]) => [
  ...Array<number>(10).fill(outside),
  ...inside.flatMap((row) => [outside, ...row, outside]),
];

it('puts the labels of a region where it lies', () => {
  expect(result).toMatchObject({ width, height, engine: 'wasm' });
  const labels = grid(0, [
    [0, 4, 4],
    [9, 4, 0],
  ]);
  expect([...result.labelMap.data]).toEqual(labels);
  expect(result.labelArray.shape).toEqual([height, width]);
  expect(result.labelArray.data).toBe(result.labelMap.data);
  expect(result.labelArray.get(3, 1)).toBe(9);
});

it('has a mask for each label of the prompts, found or not', () => {
  expect(
    result.masks.map(({ label, name, area, box, score, present }) => [
      ...[label, name, area, box, score, present],
    ]),
  ).toEqual([
    [4, 'cat', 3, [2, 2, 2, 2], 0.5, true],
    [7, 'dog', 0, [0, 0, 0, 0], 0, false],
    [9, 'hat', 1, [1, 3, 1, 1], 0.7, true],
  ]);
  expect([...result.masks[2].toBinary()]).toEqual(
    grid(0, [
      [0, 0, 0],
      [1, 0, 0],
    ]),
  );
});

it('is sure of what lies outside of the region, and asks for scores once', () => {
  expect(result.scores.shape).toEqual([height, width]);
  expect([...result.scores.data]).toEqual(
    grid(1, [
      [0.125, 0.25, 0.375],
      [0.5, 0.625, 0.75],
    ]),
  );
  expect(result.scores).toBe(result.scores);
  expect(decoded.scores).toHaveBeenCalledTimes(1);
});

it('shows the painting in the region, rounded, and black outside of it', () => {
  const { data } = result.painting;
  const pixels = Array.from({ length: 20 }, (_, i) => [...data.subarray(i * 3, i * 3 + 3)]);
  const inside = grid(0, [
    [1, 1, 1],
    [1, 1, 1],
  ]);
  expect(pixels).toEqual(inside.map((on) => (on ? [10, 21, 30] : [0, 0, 0])));
  expect(result.modelPaintings).toEqual([painting]);
});

it('takes the whole target where no region is told', () => {
  const all = { ...decoded, width: 5, height: 4, labels: new Uint8Array(20).fill(9) };
  const scores = new Float32Array(20).fill(0.5);
  const whole = new SegmentationResult({ ...parts, decoded: { ...all, scores: () => scores } });
  expect(whole.masks[2]).toMatchObject({ area: 20, box: [0, 0, 5, 4] });
  expect(whole.scores.data).toEqual(scores);
  expect(whole.painting.data.subarray(57)).toEqual(Uint8Array.of(10, 21, 30));
});

it('knows a region that spans the width from the whole', () => {
  const band = { ...decoded, width: 5, height: 2, labels: new Uint8Array(10).fill(4) };
  const scores = new Float32Array(10).fill(0.25);
  const of = new SegmentationResult({
    ...parts,
    decoded: { ...band, scores: () => scores },
    region: [0, 1, 5, 2],
  });
  expect([...of.scores.data]).toEqual([1, 0.25, 0.25, 1].flatMap((each) => Array(5).fill(each)));
  expect(of.masks[0].box).toEqual([0, 1, 5, 2]);
});

it('knows a region that spans the height from the whole', () => {
  const pillar = { ...decoded, width: 2, height: 4, labels: new Uint8Array(8).fill(4) };
  const scores = new Float32Array(8).fill(0.25);
  const of = new SegmentationResult({
    ...parts,
    decoded: { ...pillar, scores: () => scores },
    region: [2, 0, 2, 4],
  });
  expect([...of.scores.data]).toEqual(Array(4).fill([1, 1, 0.25, 0.25, 1]).flat());
  expect(of.masks[0].box).toEqual([2, 0, 2, 4]);
});

it('paints labels over the target', () => {
  const { data } = result.overlay({ opacity: 1, outline: false });
  const changed = Array.from(
    { length: 20 },
    (_, i) => +(data[i * 3] !== 100 || data[i * 3 + 1] !== 100),
  );
  expect(changed).toEqual([...result.labelMap.data].map((label) => +(label > 0)));
});
