import { join } from 'node:path';
import { encodeRle } from '../../../src/masks/rle';
import type { ClickPrompt } from '../../../src/tasks/interactive/click-prompt';
import type { EncodedImage } from '../../../src/tasks/interactive/encoded-image';
import { InteractiveSegmenter } from '../../../src/tasks/interactive/interactive-segmenter';

jest.setTimeout(120_000);

const tiny = join(__dirname, '..', '..', 'fixtures', 'sam');

/** A grey picture with a bright disk. */
function disk(width: number, height: number, cx: number, cy: number, radius: number) {
  const data = new Uint8Array(width * height * 3).fill(60);
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ((x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2) {
        data.set([230, 120, 40], (y * width + x) * 3);
        mask[y * width + x] = 1;
      }
  return { image: { data, width, height }, mask };
}

function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (a[i] && b[i]) both++;
    if (a[i] || b[i]) either++;
  }
  return both / either;
}

describe('the bundled model', () => {
  const { image, mask } = disk(300, 200, 190, 80, 45);
  let segmenter: InteractiveSegmenter;
  let picture: EncodedImage;
  const stages: string[] = [];
  beforeAll(async () => {
    segmenter = await InteractiveSegmenter.load(undefined, { backend: 'wasm' });
    picture = await segmenter.encode(image, { onProgress: ({ stage }) => stages.push(stage) });
  });
  afterAll(() => segmenter.dispose());

  it('finds a disk by a click, a box, a mask and its own last mask', async () => {
    const clicked = await picture.segment({ points: [[190, 80]] });
    expect(clicked.masks).toHaveLength(1);
    const [found] = clicked.masks;
    expect(iou(found.toBinary(), mask)).toBeGreaterThan(0.97);
    expect(found.area).toBe(found.toBinary().reduce((a, b) => a + b, 0));
    expect(found.predictedIou).toBeGreaterThan(0.9);
    expect(found.stabilityScore).toBeGreaterThan(0.9);
    const prompts: ClickPrompt[] = [
      { box: [140, 30, 240, 130] },
      { mask: encodeRle(mask, 200, 300), points: [[190, 80]] },
      {
        mask: found,
        points: [
          [190, 80],
          [20, 20],
        ],
        labels: [1, 0],
      },
    ];
    const answers = await picture.segmentMany(prompts);
    for (const { masks } of answers) expect(iou(masks[0].toBinary(), mask)).toBeGreaterThan(0.97);
  });

  it('a point outside leaves out what it shows', async () => {
    const { masks } = await picture.segment({ points: [[20, 20]] });
    expect(masks[0].toBinary()[80 * 300 + 190]).toBe(0);
    expect(masks[0].toBinary()[20 * 300 + 20]).toBe(1);
  });

  it('three masks come by falling expectation', async () => {
    const { masks } = await picture.segment({ points: [[190, 80]] }, { multimask: true });
    expect(masks).toHaveLength(3);
    const expected = masks.map((each) => each.predictedIou);
    expect(expected).toEqual([...expected].sort((a, b) => b - a));
  });

  it('a picture travels as bytes', async () => {
    const bytes = picture.toBytes();
    expect(bytes.length).toBeLessThan(2.2e6);
    const again = await segmenter.fromBytes(bytes);
    expect([again.width, again.height]).toEqual([300, 200]);
    const { masks } = await again.segment({ points: [[190, 80]] });
    expect(iou(masks[0].toBinary(), mask)).toBeGreaterThan(0.97);
    await expect(async () => {
      for await (const _ of again.everything({ cropLayers: 1 })) return;
    }).rejects.toThrow(/cropLayers: needs the picture itself/);
  });

  it('everything finds the disk and the ground, each once, with progress', async () => {
    const heard: number[] = [];
    const found = [];
    for await (const each of picture.everything({
      pointsPerSide: 4,
      pointsPerBatch: 4,
      onProgress: ({ loaded }) => heard.push(loaded),
    }))
      found.push(each);
    expect(heard).toEqual([4, 8, 12, 16]);
    expect(found.filter((each) => iou(each.toBinary(), mask) > 0.95)).toHaveLength(1);
    const whole = mask.map((value) => 1 - value);
    expect(found.filter((each) => iou(each.toBinary(), whole) > 0.9)).toHaveLength(1);
    const scores = found.map((each) => each.predictedIou);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  it('crops and small regions', async () => {
    const found = [];
    for await (const each of picture.everything({
      pointsPerSide: 4,
      cropLayers: 1,
      cropPointsDownscaleFactor: 2,
      minMaskRegionArea: 100,
    }))
      found.push(each);
    expect(found.some((each) => iou(each.toBinary(), mask) > 0.95)).toBe(true);
    for (const each of found) {
      expect(each.area).toBe(each.toBinary().reduce((a, b) => a + b, 0));
      expect(each.logits).toHaveLength(256 * 256);
    }
  });

  it('stops when it is told', async () => {
    const stop = new AbortController();
    await expect(async () => {
      const all = picture.everything({
        pointsPerSide: 4,
        pointsPerBatch: 1,
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      for await (const _ of all) return;
    }).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(
      picture.segment({ points: [[1, 1]] }, { signal: stop.signal }),
    ).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, /prompt: shows nothing/],
    ['a list', [], /prompt: must be \{ points/],
    ['a point outside', { points: [[301, 10]] }, /points\[0\]: is \(301, 10\), outside/],
    ['half a point', { points: [[3]] }, /points\[0\]: must be \[x, y\]/],
    ['labels too few', { points: [[3, 3]], labels: [] }, /labels: has 0 entries for 1 points/],
    ['labels alone', { labels: [1], box: [0, 0, 9, 9] }, /labels: has 1 entries for 0 points/],
    ['a label of 2', { points: [[3, 3]], labels: [2] }, /labels\[0\]: must be 1/],
    ['a box inside out', { box: [9, 9, 3, 3] }, /box: is inside out/],
    ['a box elsewhere', { box: [400, 0, 500, 9] }, /box: lies outside/],
    ['three corners', { box: [1, 2, 3] }, /box: must be \[left, top/],
    [
      'a mask of another size',
      { mask: { size: [2, 2], counts: [0, 4] } },
      /mask: is 2 x 2, but the picture is 300 x 200/,
    ],
    [
      'logits of another model',
      { mask: new Float32Array(16) },
      /mask: has 16 logits; this model takes 256 x 256/,
    ],
    ['a path as mask', { mask: 'mask.png' }, /mask: must be a Mask/],
  ])('refuses %s', async (_, prompt, message) => {
    await expect(picture.segment(prompt as ClickPrompt)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message) as string,
    });
  });

  it('refuses bytes that are none, and those of another model', async () => {
    await expect(segmenter.fromBytes(new Uint8Array(3))).rejects.toThrow(
      /bytes: are no encoded picture/,
    );
    await expect(segmenter.fromBytes(new Uint8Array(100))).rejects.toThrow(
      /bytes: are no encoded picture/,
    );
    const other = await InteractiveSegmenter.load(tiny, { backend: 'wasm' });
    await expect(other.fromBytes(picture.toBytes())).rejects.toThrow(/encoded for another model/);
    other.dispose();
    await expect(other.encode(image)).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it('told how far encoding is', () => expect(new Set(stages)).toEqual(new Set(['encode'])));
});
