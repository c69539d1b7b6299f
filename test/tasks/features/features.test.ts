import { join } from 'node:path';
import { openCheckpoint } from '../../../src/checkpoints/open-checkpoint';
import { FeatureExtractor } from '../../../src/tasks/features/feature-extractor';
import { FeatureGrid } from '../../../src/tasks/features/feature-grid';
import { toPixels, parsePreprocessing } from '../../../src/tasks/features/preprocessing';
import { Dino } from '../../../src/models/dino/dino';
import { fixture } from '../../helpers/fixture';
import { gradient } from '../../helpers/picture';

const example = (name: string) => join(process.cwd(), 'examples', name);
const picture = { width: 40, height: 26, data: gradient(40, 26) };
const options = { backend: 'wasm', threads: 1 } as const;
const tiny = () => FeatureExtractor.load(fixture('dino/dinov2'), options);

describe('a grid', () => {
  const grid = new FeatureGrid({
    ...{ width: 30, height: 20, rows: 2, columns: 3, channels: 2, cellWidth: 10, cellHeight: 10 },
    data: Float32Array.of(1, 0, 0, 1, 3, 4, 0, 0, -2, 0, 1, 1),
  });
  it('gives the vector over a pixel', () => {
    expect([...grid.at(29.9, 0)]).toEqual([3, 4]);
    expect([...grid.at(10, 19)]).toEqual([-2, 0]);
    expect([...grid.cell(1, 2)]).toEqual([1, 1]);
  });
  it('tells how alike cells are to a vector, whatever its length', () => {
    const expected = [1, 0, 0.6, 0, -1, Math.SQRT1_2];
    for (const vector of [
      [1, 0],
      [7, 0],
    ])
      grid.similarity(vector).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
  });
  it('refuses what is outside', () => {
    expect(() => grid.at(30, 0)).toThrow(/must lie in the picture of 30 x 20 pixels/);
    expect(() => grid.cell(2, 0)).toThrow(/must be one of 2 x 3/);
    expect(() => grid.similarity([1])).toThrow(/must have 2 values/);
  });
});

it('a picture becomes whole patches of its own shape, as the preprocessor says', async () => {
  const extractor = await tiny();
  const model = await Dino.load(fixture('dino/dinov2'), options);
  try {
    const grid = await extractor.encode(picture, { resolution: 32 });
    // 32 x 20.8 pixels are 8 x 5 patches of 4.
    expect(grid.toJSON()).toEqual({
      ...{ width: 40, height: 26, rows: 5, columns: 8, channels: 16 },
      ...{ cellWidth: 5, cellHeight: 5.2 },
    });
    const pixels = toPixels(picture, 20, 32, parsePreprocessing(undefined, ''));
    const tokens = await model.encode(pixels, 20, 32);
    expect(grid.data).toEqual(tokens.patches);
    expect(grid.summary).toEqual(tokens.classToken);
    // Without a resolution, the one of its positions: 5 patches.
    expect(await extractor.encode(picture)).toMatchObject({ rows: 3, columns: 5 });
  } finally {
    extractor.dispose();
    model.dispose();
  }
});

it('the bundled encoder finds in one photograph what a pixel of another shows', async () => {
  const extractor = await FeatureExtractor.load('bundled-sam', { ...options, threads: 2 });
  try {
    const left = await extractor.encode(example('coins-left.jpg'));
    const right = await extractor.encode(example('coins-right.jpg'));
    expect([left.channels, extractor.channels, left.summary]).toEqual([256, 256, undefined]);
    // The grid lies over the picture: its longer side is 64 cells.
    expect(Math.max(left.rows, left.columns)).toBe(64);
    expect(left.columns * left.cellWidth).toBeGreaterThanOrEqual(left.width);
    const self = left.similarity(left.cell(7, 9));
    expect(self.indexOf(Math.max(...self))).toBe(7 * left.columns + 9);
    expect(Math.max(...right.similarity(left.cell(7, 9)))).toBeGreaterThan(0.8);
    await expect(extractor.encode(example('coins-left.jpg'), { resolution: 512 })).rejects.toThrow(
      /must be 1024, the one that this model has/,
    );
  } finally {
    extractor.dispose();
  }
});

it('refuses what it cannot do, before any work', async () => {
  await expect(FeatureExtractor.load('bundled', options)).rejects.toThrow(
    /is a seggpt model, which gives no features; DINO/,
  );
  const extractor = await tiny();
  await expect(extractor.encode(picture, { resolution: 0 })).rejects.toThrow(/above 0/);
  await expect(extractor.encode(picture, { resolution: 4000 })).rejects.toThrow(/at most 16384/);
  await expect(
    extractor.encode({ width: 2, height: 2, data: new Uint8Array(3) }),
  ).rejects.toThrow();
  const controller = new AbortController();
  controller.abort();
  await expect(extractor.encode(picture, { signal: controller.signal })).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError' }),
  );
  extractor.dispose();
  await expect(extractor.encode(picture)).rejects.toMatchObject({ name: 'DisposedError' });
});

it('tells how far it is, and takes an opened checkpoint', async () => {
  const extractor = await FeatureExtractor.load(
    await openCheckpoint(fixture('dino/dinov3')),
    options,
  );
  const loaded: number[] = [];
  await extractor.encode(picture, {
    resolution: 32,
    onProgress: (progress) => loaded.push(progress.loaded),
  });
  expect(loaded).toEqual([50, 100]);
  extractor.dispose();
});
