import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CocoFile } from '../../src/annotations/writers/coco';
import { decodeRle } from '../../src/masks/rle';
import { SegmentationResult } from '../../src/tasks/in-context/result';

/** A result of 4 x 3 pixels, as a painting would leave it. */
function resultOf(labels: number[]): SegmentationResult {
  const image = { width: 4, height: 3, data: new Uint8Array(36) };
  const scoreSums = new Float64Array(256);
  for (const label of labels) scoreSums[label] += 0.5;
  return new SegmentationResult({
    image,
    decoded: {
      width: 4,
      height: 3,
      labels: Uint8Array.from(labels),
      scoreSums,
      scores: () => new Float32Array(12).fill(0.5),
    },
    labels: [1, 2],
    names: ['cat', 'dog'],
    paintings: [],
    engine: 'none',
  });
}

it('tells what each picture shows, and names labels that none shows', () => {
  const coco = new CocoFile();
  expect(coco.empty).toBe(true);
  coco.add('a.jpg', resultOf([0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]));
  coco.add('b.jpg', resultOf(new Array<number>(12).fill(0)));
  const { images, annotations, categories } = JSON.parse(new TextDecoder().decode(coco.encode()));
  expect(images).toEqual([
    { id: 1, file_name: 'a.jpg', width: 4, height: 3 },
    { id: 2, file_name: 'b.jpg', width: 4, height: 3 },
  ]);
  expect(annotations).toMatchObject([
    { id: 1, image_id: 1, category_id: 1, area: 4, bbox: [1, 0, 2, 2], score: 0.5 },
  ]);
  expect([...decodeRle(annotations[0].segmentation)]).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
  expect(categories).toEqual([
    { id: 1, name: 'cat', supercategory: '' },
    { id: 2, name: 'dog', supercategory: '' },
  ]);
});

it('lets results go', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const coco = new CocoFile();
  const kept = (() => {
    const result = resultOf(new Array<number>(12).fill(1));
    coco.add('a.jpg', result);
    return new WeakRef(result);
  })();
  await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds on until the turn ends
  collect();
  expect(kept.deref()).toBeUndefined();
  expect(coco.empty).toBe(false);
});
