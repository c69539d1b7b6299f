import { InvalidInputError } from '../../src/base/errors';
import { readCoco } from '../../src/annotations/readers/coco';
import { toLabelMap } from '../../src/annotations/model/to-label-map';
import { polygonsToMask } from '../../src/masks/fill-polygons';
import { decodeRle } from '../../src/masks/rle';
import { fixture, json, scene } from './fixtures';

it("reads pycocotools' run-lengths, compressed and plain; crowds lie beneath; ids are labels", async () => {
  const [picture] = readCoco(fixture('coco.json'));
  expect(picture).toMatchObject({ file: 'scene.jpg', width: 48, height: 36 });
  const { data, labelNames } = toLabelMap(picture);
  expect(labelNames).toEqual({ 1: 'disc', 2: 'frame', 17: 'dot', 90: 'heap' });
  const meant = await scene();
  const expected = meant.data.map((label, i) => [i % 48 < 24 ? 90 : 0, 1, 2, 17][label]);
  expect(data).toEqual(expected);
});

it('fills polygons as pycocotools does, but for pixels that a border goes through', () => {
  const { width, height, filled } = json('coco-filled.json');
  for (const { polygon, rle } of filled) {
    const [ours, theirs] = [polygonsToMask([polygon], height, width), decodeRle(rle)];
    ours.forEach((value, i) => {
      if (value === theirs[i]) return;
      const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
      expect(distance(polygon, x, y)).toBeLessThan(0.75); // half a pixel's diagonal and rounding to a fifth
    });
  }
});

function distance(line: number[], x: number, y: number): number {
  let least = Infinity;
  for (let i = 0; i < line.length; i += 2) {
    const j = (i + 2) % line.length;
    const [dx, dy] = [line[j] - line[i], line[j + 1] - line[i + 1]];
    const along = ((x - line[i]) * dx + (y - line[i + 1]) * dy) / (dx * dx + dy * dy || 1);
    const t = Math.min(1, Math.max(0, along));
    least = Math.min(least, Math.hypot(x - line[i] - t * dx, y - line[i + 1] - t * dy));
  }
  return least;
}

const whole = () => ({
  images: [{ id: 1, file_name: 'a.jpg', width: 4, height: 3 }],
  categories: [{ id: 5, name: 'cup' }],
  annotations: [
    { id: 1, image_id: 1, category_id: 5, segmentation: [[0, 0, 2, 0, 2, 2, 0, 2]] as unknown },
  ],
});
const read = (change: (file: ReturnType<typeof whole>) => void) => () => {
  const file = whole();
  change(file);
  return readCoco(JSON.stringify(file), 'a.json');
};

it('reads polygons, which add up', () => {
  const [picture] = read((file) => {
    file.annotations[0].segmentation = [
      [0, 0, 2, 0, 2, 2, 0, 2],
      [1, 1, 4, 1, 4, 3, 1, 3],
    ];
  })();
  const { data, labelNames } = toLabelMap(picture);
  expect([...data]).toEqual([5, 5, 0, 0, 5, 5, 5, 5, 0, 5, 5, 5]);
  expect(labelNames).toEqual({ 5: 'cup' });
});

it.each<[string, (file: ReturnType<typeof whole>) => void, string]>([
  [
    'no image of that id',
    (f) => (f.annotations[0].image_id = 2),
    'annotations[0].image_id is the id of no image',
  ],
  [
    'no category of that id',
    (f) => (f.annotations[0].category_id = 2),
    'annotations[0].category_id',
  ],
  ['a box alone', (f) => (f.annotations[0].segmentation = []), 'annotations[0] has a box alone'],
  [
    'odd numbers',
    (f) => (f.annotations[0].segmentation = [[1, 2, 3, 4, 5]]),
    'segmentation[0] must list',
  ],
  [
    'text for a number',
    (f) => (f.annotations[0].segmentation = [[1, 2, 3, 4, 'x', 6]]),
    'segmentation[0][4] must be a number',
  ],
  [
    'another size',
    (f) => (f.annotations[0].segmentation = { size: [4, 3], counts: [12] }),
    'but its image is [3, 4]',
  ],
  [
    'short runs',
    (f) => (f.annotations[0].segmentation = { size: [3, 4], counts: [11] }),
    'counts its runs cover 11',
  ],
  [
    'damaged runs',
    (f) => (f.annotations[0].segmentation = { size: [3, 4], counts: 'é' }),
    'counts are damaged',
  ],
  ['two images of an id', (f) => f.images.push(f.images[0]), 'images[1] has the id 1'],
  ['no width', (f) => (f.images[0].width = 0), 'images[0].width must be a whole number'],
])('refuses %s, naming file and entry', (_, change, message) => {
  expect(read(change)).toThrow(InvalidInputError);
  expect(read(change)).toThrow(message);
  expect(read(change)).toThrow('a.json: ');
});

it('refuses what is no JSON, or of another shape', () => {
  expect(() => readCoco('{"images": [', 'a.json')).toThrow('a.json: is no whole JSON file');
  expect(() => readCoco('[]', 'a.json')).toThrow('a.json: must be an object');
  expect(() => readCoco('{}', 'a.json')).toThrow('a.json: has no "categories"');
});
