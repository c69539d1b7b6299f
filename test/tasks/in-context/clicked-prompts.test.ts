import { decodeRle } from '../../../src/masks/rle';
import { InContextSegmenter } from '../../../src/tasks/in-context/segmenter';
import { segmentInContext, releaseModels } from '../../../src/segment-in-context';
import type { Prompt } from '../../../src/tasks/in-context/prompts';

jest.setTimeout(120_000);

/** A picture with a disk, and where it is. */
function disk(cx: number, cy: number, radius: number) {
  const [width, height] = [240, 160];
  const data = new Uint8Array(width * height * 3);
  const inside = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      inside[i] = Number((x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2);
      data.set(inside[i] ? [225, 90, 40] : [70, 90 + (y % 7), 110], i * 3);
    }
  return { image: { data, width, height }, inside };
}

function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += Number(a[i] > 0 && b[i] > 0);
    either += Number(a[i] > 0 || b[i] > 0);
  }
  return both / either;
}

const shown = disk(80, 80, 40);
const target = disk(150, 70, 44);

describe('prompts that point', () => {
  let segmenter: InContextSegmenter;
  beforeAll(
    async () => (segmenter = await InContextSegmenter.load(undefined, { backend: 'wasm' })),
  );
  afterAll(() => segmenter.dispose());

  it('become masks in a concept, so that no click is needed again', async () => {
    const { prompts, labels } = await segmenter.createConcept([
      { image: shown.image, points: [[80, 80]] },
    ]);
    expect(labels).toEqual([{ label: 1, name: '1' }]);
    expect(iou(decodeRle(prompts[0].mask[0]), shown.inside)).toBeGreaterThan(0.9);
  });

  const outline = Array.from({ length: 24 }, (_, i) => {
    const angle = (i / 24) * 2 * Math.PI;
    return [80 + 40 * Math.cos(angle), 80 + 40 * Math.sin(angle)] as const;
  });
  it.each<[string, object]>([
    ['a point', { points: [[80, 80]] }],
    ['a box', { box: [38, 38, 122, 122] }],
    [
      'a scribble',
      {
        scribble: [
          [60, 80],
          [80, 90],
          [100, 80],
        ],
      },
    ],
    ['a polygon', { polygon: outline }],
  ])('%s shows what is found in the target', async (_, way) => {
    const prompt = { image: shown.image, ...way, label: 7, name: 'disk' } as Prompt;
    const { masks, labelMap } = await segmenter.segment([prompt], target.image);
    expect(masks.map(({ label, name }) => [label, name])).toEqual([[7, 'disk']]);
    expect(iou(labelMap.data, target.inside)).toBeGreaterThan(0.85);
  });

  it('refine sharpens', async () => {
    const prompts = [{ image: shown.image, points: [[80, 80]] as const }];
    const prepared = await segmenter.prepare(prompts);
    const refined = await segmenter.prepare(prompts, { refine: 'sam' });
    const plain = iou((await prepared.segment(target.image)).labelMap.data, target.inside);
    const sharp = iou((await refined.segment(target.image)).labelMap.data, target.inside);
    expect(sharp).toBeGreaterThanOrEqual(plain);
    expect(sharp).toBeGreaterThan(0.9);
    prepared.dispose();
    refined.dispose();
  });

  it('a clicked object is followed, sharpened', async () => {
    const frames = [shown.image, target.image];
    const prompts = [{ image: shown.image, box: [38, 38, 122, 122] as const }];
    const found: number[] = [];
    for await (const { index, result } of segmenter.track(prompts, frames, { refine: 'sam' }))
      found.push(iou(result!.labelMap.data, [shown, target][index].inside));
    expect(found).toHaveLength(2);
    for (const each of found) expect(each).toBeGreaterThan(0.85);
  });

  it.each<[object, RegExp]>([
    [{ points: [[500, 3]] }, /prompts\[0\]\.points\[0\]: is \(500, 3\), outside/],
    [{ points: [[5, 3]], polygon: outline }, /prompts\[0\]: points at its object in several ways/],
    [{ scribble: [[5, 3]] }, /prompts\[0\]\.scribble: must be a list of two points/],
    [
      {
        polygon: [
          [5, 3],
          [5, 300],
          [9, 9],
        ],
      },
      /prompts\[0\]\.polygon\[1\]: must be \[x, y\] within/,
    ],
    [{ box: [9, 9, 3, 3] }, /prompts\[0\]\.box: is inside out/],
    [{ points: [[80, 80]], label: 300 }, /has the label 300/],
    [{}, /must have an image and a mask, or an image with points/],
  ])('%j is refused', async (way, message) => {
    const prompt = { image: shown.image, ...way } as Prompt;
    await expect(segmenter.segment([prompt], target.image)).rejects.toThrow(message);
  });
});

it('segmentInContext takes clicks, too', async () => {
  const prompts = [{ image: shown.image, points: [[80, 80]] }];
  const { labelMap } = await segmentInContext(prompts, target.image, { backend: 'wasm' });
  expect(iou(labelMap.data, target.inside)).toBeGreaterThan(0.85);
  await releaseModels();
});
