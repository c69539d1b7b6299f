import { FeatureGrid } from '../../../src/tasks/features/feature-grid';
import {
  commonPart,
  describe as describePicture,
  directions,
} from '../../../src/tasks/teaching/describe';
import { selectPrompts } from '../../../src/tasks/teaching/select-prompts';
import type { RgbImage } from '../../../src/images/rgb-image';

type Rgb = readonly [number, number, number];
const [width, height] = [8, 4];
const red: Rgb = [250, 10, 10];
const green: Rgb = [10, 250, 10];
const blue: Rgb = [10, 10, 250];
const grey: Rgb = [90, 90, 90];

/** A picture of an object of one colour on the left half, and another colour behind it. */
const picture = (object: Rgb, behind: Rgb): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [at, channel] = [Math.floor(i / 3), i % 3];
    return (at % width < 4 ? object : behind)[channel];
  }),
});
const mask = (label = 1) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => (i % width < 4 ? label : 0)),
});
const prompt = (object: Rgb, behind: Rgb, label = 1) => ({
  image: picture(object, behind),
  mask: mask(label),
});

/** Sees colours: cells of 2 x 2 pixels. */
const seen: unknown[] = [];
const extractor = {
  encode(image: unknown) {
    seen.push(image);
    const { data } = image as RgbImage;
    const [rows, columns] = [height / 2, width / 2];
    const cells = Float32Array.from({ length: rows * columns * 3 }, (_, i) => {
      const cell = Math.floor(i / 3);
      const [r, c] = [Math.floor(cell / columns), cell % columns];
      return data[(2 * r * width + 2 * c) * 3 + (i % 3)];
    });
    return Promise.resolve(
      new FeatureGrid({
        ...{ width, height, rows, columns, channels: 3, cellWidth: 2, cellHeight: 2 },
        data: cells,
      }),
    );
  },
};

it('takes what looks most like the target, in what is marked', async () => {
  const pool = [prompt(green, grey), prompt(red, grey), prompt(blue, grey)];
  const target = picture(red, grey);
  const { indices, prompts, gains } = await selectPrompts(pool, {
    ...{ count: 2, extractor },
    for: target,
  });
  expect(indices[0]).toBe(1);
  expect(prompts[0]).toBe(pool[1]);
  expect(gains).toHaveLength(2);
  expect(gains[0]).toBeGreaterThan(gains[1]);
  // Twins of the best are of less use than something else.
  const twins = [prompt(red, grey), prompt(red, grey), prompt(red, blue), prompt(green, blue)];
  const chosen = await selectPrompts(twins, { count: 4, extractor, for: target });
  expect(chosen.indices[0]).toBe(0);
  expect(chosen.indices).toHaveLength(4);
});

it('without a target takes what stands for most of the pool first, then what is left over', async () => {
  const pool = [
    prompt(blue, grey),
    prompt(red, grey),
    prompt(red, grey),
    prompt(red, grey),
    prompt(green, grey),
  ];
  const { indices, gains } = await selectPrompts(pool, { count: 3, extractor });
  expect([1, 2, 3]).toContain(indices[0]);
  expect(new Set(indices.slice(1))).toEqual(new Set([0, 4]));
  expect(gains[0]).toBeGreaterThan(gains[1]);
});

it('serves labels that no chosen prompt shows before likeness', async () => {
  const pool = [prompt(red, grey, 1), prompt(red, grey, 1), prompt(blue, green, 2)];
  const { indices } = await selectPrompts(pool, { count: 2, extractor, for: picture(red, grey) });
  expect(indices).toEqual([0, 2]);
});

it('gives all of a small pool, and encodes each picture once', async () => {
  seen.length = 0;
  const stages: string[] = [];
  const pool = [prompt(red, grey), prompt(green, grey)];
  const { indices } = await selectPrompts(pool, {
    ...{ count: 9, extractor, for: picture(green, grey) },
    onProgress: ({ stage, loaded, total }) => stages.push(`${stage} ${loaded}/${total}`),
  });
  expect(indices).toEqual([1, 0]);
  expect(seen).toHaveLength(3);
  expect(stages).toEqual(['encode 1/3', 'encode 2/3', 'encode 3/3']);
});

it('refuses before any work', async () => {
  seen.length = 0;
  const pool = [prompt(red, grey)];
  for (const count of [0, 1.5, NaN])
    await expect(selectPrompts(pool, { count, extractor })).rejects.toThrow(/count: must be/);
  await expect(selectPrompts([], { count: 1, extractor })).rejects.toThrow(/is empty/);
  const clicked = [{ image: picture(red, grey), points: [[1, 1]] }] as never;
  await expect(selectPrompts(clicked, { count: 1, extractor })).rejects.toThrow(/without masks/);
  const stopped = new AbortController();
  stopped.abort();
  await expect(
    selectPrompts(pool, { count: 1, extractor, signal: stopped.signal }),
  ).rejects.toMatchObject({ name: 'AbortError' });
  expect(seen).toEqual([]);
});

it('describes labels by the cells that show them, in shares, without what all pictures share', async () => {
  const grid = await extractor.encode(picture(red, blue));
  const common = commonPart([grid]);
  expect(common[1]).toBeCloseTo(10, 4);
  const cells = directions(grid, common);
  const { labels, picture: whole } = describePicture(grid, cells, mask(3));
  expect([...labels.keys()]).toEqual([3]);
  const vector = labels.get(3)!;
  expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  expect(vector[0]).toBeGreaterThan(0.7);
  expect(vector[2]).toBeLessThan(-0.7);
  expect(Math.hypot(...whole)).toBeCloseTo(0, 5); // half and half: nothing is left
});
