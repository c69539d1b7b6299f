import { AbortedError, InContextSegmenter, type Progress } from '../../../src';
import { TileBlend } from '../../../src/tasks/in-context/blend-tiles';
import {
  cropPrompts,
  planTiles,
  tileSide,
  windowAround,
} from '../../../src/tasks/in-context/tiles';
import { tilesSpec } from '../../../src/tasks/in-context/tiles-option';
import { openCopying } from '../../helpers/copying-checkpoint';

/** Squares of a label on a map. */
function map(
  width: number,
  height: number,
  ...squares: [label: number, x: number, y: number, side: number][]
) {
  const data = new Uint8Array(width * height);
  for (const [label, x, y, side] of squares)
    for (let row = y; row < y + side; row++)
      data.fill(label, row * width + x, row * width + x + side);
  return { width, height, data };
}

/** A picture that is red where the map has a label, black elsewhere. */
function picture({ width, height, data }: ReturnType<typeof map>) {
  const rgb = new Uint8Array(width * height * 3);
  data.forEach((label, i) => (rgb[i * 3] = label ? 255 : 0));
  return { width, height, channels: 3 as const, data: rgb };
}

const asMask = (labels: ReturnType<typeof map>) => ({ ...labels, channels: 1 as const });
const read = (mask: ReturnType<typeof map>) => ({ image: picture(mask), mask });

describe('the plan', () => {
  it('covers a picture with as few tiles as overlap by a quarter', () => {
    const rows = planTiles(400, 100, 100);
    expect(rows).toHaveLength(1);
    expect(rows[0].map(([x]) => x)).toEqual([0, 75, 150, 225, 300]);
    for (const [width, height, side] of [
      [1000, 333, 97],
      [64, 64, 64],
      [63, 200, 64],
      [5, 5, 1],
    ]) {
      const covered = new Uint8Array(width * height);
      for (const [x, y, w, h] of planTiles(width, height, side).flat()) {
        expect([x >= 0, y >= 0, x + w <= width, y + h <= height]).toEqual([true, true, true, true]);
        for (let row = y; row < y + h; row++) covered.fill(1, row * width + x, row * width + x + w);
      }
      expect(covered.includes(0)).toBe(false);
    }
  });

  it('has as many tiles along the longer side as are asked for, or tiles of that size', () => {
    for (const count of [1, 2, 4, 7]) {
      const side = tileSide(count, [], 288)(1200, 500);
      expect(planTiles(1200, 500, side)[0]).toHaveLength(count);
    }
    expect(tileSide('300px', [], 288)(1200, 500)).toBe(300);
  });

  it('by auto has tiles six times as wide as the smallest label’s objects', () => {
    const large = map(900, 400, [1, 0, 0, 50], [1, 100, 100, 40], [1, 300, 10, 60], [1, 500, 5, 3]);
    const side = (mask: ReturnType<typeof map>) => tileSide('auto', [read(mask)], 64)(9000, 400);
    expect(side(large)).toBe(300); // the median, crumbs left out
    expect(side(map(900, 400, [1, 0, 0, 50], [2, 100, 100, 20]))).toBe(120);
    expect(side(map(900, 400, [1, 0, 0, 2]))).toBe(16); // no more than four times enlarged
  });

  it('crops prompts around an object of each label, at the same scale', () => {
    const mask = map(
      900,
      400,
      [1, 10, 20, 30],
      [1, 600, 100, 32],
      [1, 700, 300, 40],
      [2, 590, 90, 8],
      [3, 850, 350, 50],
    );
    const parts = cropPrompts([read(mask)], () => 100);
    expect(parts.map(({ mask: part }) => [part.width, part.height])).toEqual([
      [100, 100],
      [100, 100],
    ]);
    // The first holds the middle one of label 1, and label 2 beside it; the second label 3, moved inside the picture.
    expect(new Set(parts[0].mask.data)).toEqual(new Set([0, 1, 2]));
    expect(parts[0].mask.data.filter((label) => label === 1)).toHaveLength(32 * 32);
    expect(parts[1].mask.data.filter((label) => label === 3)).toHaveLength(50 * 50);
    expect(parts[0].image.data.filter((_, i) => i % 3 === 0 && parts[0].mask.data[i / 3])).toEqual(
      new Uint8Array(32 * 32 + 64).fill(255),
    );
    // What is larger than a tile is shown whole.
    expect(windowAround([100, 100, 200, 20], 50, 900, 400)).toEqual([75, 0, 250, 250]);
  });

  it('takes a number, a size or auto', () => {
    for (const good of [1, 12, '1px', '512px', 'auto']) expect(tilesSpec.is(good)).toBe(true);
    for (const bad of [0, 1.5, -2, '512', 'px', '0px', 'big', null, NaN])
      expect(tilesSpec.is(bad)).toBe(false);
    expect(['4', '512px', 'auto'].map(tilesSpec.parse)).toEqual([4, '512px', 'auto']);
  });
});

describe('blending', () => {
  const tile = (left: number[]) => {
    const plane = Float32Array.from(left);
    return {
      height: 1,
      width: left.length,
      labels: [5],
      planes: [plane.map((fit) => 1 - fit), plane],
    };
  };
  const paint = (level: number, count: number) => new Uint8Array(count * 3).fill(level);

  it('counts a tile the less the nearer its edge, and normalises', () => {
    const blend = new TileBlend(12, 1, 1, 'smooth');
    blend.startRow(0);
    blend.add([0, 0, 8, 1], tile([1, 1, 1, 1, 1, 1, 1, 1]), paint(200, 8));
    blend.add([4, 0, 8, 1], tile([0, 0, 0, 0, 0, 0, 0, 0]), paint(100, 8));
    const { decoded, painting } = blend.finish();
    expect([...decoded.labels]).toEqual([5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0]);
    const scores = decoded.scores();
    expect(scores[0]).toBe(1);
    expect(scores[5]).toBeLessThan(1);
    expect(decoded.scoreSums[5]).toBeCloseTo(
      scores.slice(0, 6).reduce((sum, score) => sum + score, 0),
      1,
    );
    expect([painting[0], painting[33]]).toEqual([200, 100]);
    expect(painting[15]).toBeGreaterThan(100);
    expect(painting[15]).toBeLessThan(200);
  });

  it('lets rows go that no tile reaches any more, and gets them right', () => {
    const blend = new TileBlend(4, 10, 4, 'nearest');
    for (const y of [0, 3, 6]) {
      blend.startRow(y);
      const fits = {
        height: 4,
        width: 4,
        labels: [2],
        planes: [new Float32Array(16), new Float32Array(16)],
      };
      fits.planes[y === 3 ? 1 : 0].fill(1);
      blend.add([0, y, 4, 4], fits, paint(0, 16));
    }
    const { labels } = blend.finish().decoded;
    // Rows 3 and 6 are in two tiles, and as near the edge of each: background is the first of equals.
    expect(Array.from({ length: 10 }, (_, y) => labels[y * 4])).toEqual([
      0, 0, 0, 0, 2, 2, 0, 0, 0, 0,
    ]);
  });
});

describe('whole runs', () => {
  let segmenter: InContextSegmenter;
  beforeAll(async () => {
    segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' });
  });
  afterAll(() => segmenter.dispose());

  // A thing of 8 pixels in 256: one pixel of the model's 32.
  const example = map(256, 64, [1, 100, 24, 8]);
  const truth = map(320, 96, [1, 40, 16, 8], [1, 200, 64, 8], [1, 296, 8, 8]);
  const prompt = { image: picture(example), mask: asMask(example) };
  const options = { task: 'semantic', upsampling: 'smooth' } as const;
  const iou = (found: Uint8Array) => {
    let [both, either] = [0, 0];
    truth.data.forEach((label, i) => {
      if (label && found[i]) both++;
      if (label || found[i]) either++;
    });
    return both / either;
  };

  it('find small things that a whole picture loses', async () => {
    const whole = await segmenter.segment([prompt], picture(truth), options);
    const tiled = await segmenter.segment([prompt], picture(truth), { ...options, tiles: '32px' });
    expect(iou(whole.labelMap.data)).toBeLessThan(0.3);
    expect(iou(tiled.labelMap.data)).toBeGreaterThan(0.8);
    const [mask] = tiled.masks;
    expect(mask.present).toBe(true);
    expect(mask.strength).toBeGreaterThan(0.9);
    expect([tiled.scores.shape, tiled.painting.width, tiled.painting.height]).toEqual([
      [96, 320],
      320,
      96,
    ]);
    expect(tiled.painting.data[(18 * 320 + 43) * 3]).toBeGreaterThan(200);
    expect(tiled.modelPaintings).toEqual([]);
    const auto = await segmenter.segment([prompt], picture(truth), { ...options, tiles: 'auto' });
    const wide = await segmenter.segment([prompt], picture(truth), { ...options, tiles: '48px' });
    expect(auto.labelMap.data).toEqual(wide.labelMap.data);
  });

  it('a tile as large as the picture changes nothing', async () => {
    const big = map(64, 64, [1, 16, 16, 32]);
    const large = { image: picture(big), mask: asMask(big) };
    const segment = (tiles?: '64px') =>
      segmenter.segment([large], picture(big), { ...options, ...(tiles && { tiles }) });
    expect((await segment('64px')).labelMap.data).toEqual((await segment()).labelMap.data);
  });

  it('tell progress over all tiles, and stop between them', async () => {
    const seen: Progress[] = [];
    const prepared = await segmenter.prepare([prompt], { ...options, tiles: 4 });
    await prepared.segment(picture(truth), { onProgress: (progress) => seen.push(progress) });
    const last = seen.at(-1)!;
    expect(last.loaded).toBe(last.total);
    expect(seen.every(({ total }) => total === last.total)).toBe(true);
    expect(seen.map(({ loaded }) => loaded)).toEqual(
      [...seen.map(({ loaded }) => loaded)].sort((a, b) => a - b),
    );
    const abort = new AbortController();
    let reports = 0;
    const stopped = prepared.segment(picture(truth), {
      signal: abort.signal,
      onProgress: () => ++reports === 3 && abort.abort(),
    });
    await expect(stopped).rejects.toBeInstanceOf(AbortedError);
    expect(reports).toBeLessThan(seen.length);
    prepared.dispose();
  });

  it('free what they made, and are refused in videos', async () => {
    const before = segmenter.memory().tensors;
    await segmenter.segment([prompt], picture(truth), { ...options, tiles: 3 });
    expect(segmenter.memory().tensors).toBe(before);
    expect(() => segmenter.track([prompt], [picture(truth)], { tiles: 3 } as object)).toThrow(
      /tiles: are for single pictures/,
    );
    await expect(segmenter.segment([prompt], picture(truth), { tiles: 0 })).rejects.toThrow(
      /tiles: must be a whole number of at least 1/,
    );
  });
});
