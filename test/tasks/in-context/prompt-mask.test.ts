import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { readCoco } from '../../../src/annotations/readers/coco';
import type { LabelMap } from '../../../src/masks/label-map';
import { Mask } from '../../../src/masks/mask';
import { maskToPolygons } from '../../../src/masks/polygons';
import { compressRle, encodeRle } from '../../../src/masks/rle';
import type { MaskInput } from '../../../src/tasks/in-context/prompt-mask';
import { readPrompts } from '../../../src/tasks/in-context/prompts';

const file = (name: string) => join(__dirname, '../../fixtures/prompts', name);
const image = file('image.jpg');
const [width, height] = [160, 120];

let meant: Uint8Array; // disc 1, square 2
beforeAll(async () => {
  const grey = sharp(file('mask.png')).extractChannel(0);
  meant = new Uint8Array(await grey.raw().toBuffer());
});
const one = (label: number) => meant.map((each) => Number(each === label));

async function read(mask: MaskInput, options?: Parameters<typeof readPrompts>[1]) {
  const { prompts, names, labels } = await readPrompts([{ image, mask }], options);
  return { mask: prompts[0].mask, names, labels };
}

/** Where two maps differ, a label has its border in the one or the other: tools draw outlines or leave them out. */
function expectSameButBorders(map: LabelMap) {
  let different = 0;
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      if (map.data[i] === meant[i]) continue;
      different++;
      const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => meant[i + dy * width + dx]));
      expect(new Set(around).size).toBeGreaterThan(1);
    }
  expect(different).toBeLessThan(170);
}

describe('annotation files', () => {
  it.each(['coco-rle.json', 'coco-rle_uncompressed.json'])('reads %s', async (name) => {
    const { mask, names, labels } = await read(file(name));
    expect(mask.data).toEqual(meant);
    expect([labels, names]).toEqual([
      [1, 2],
      ['disc', 'square'],
    ]);
  });

  it.each(['coco-polygon.json', 'labelme.json'])('reads %s', async (name) => {
    const { mask, names } = await read(file(name));
    expectSameButBorders(mask);
    expect(names).toEqual(['disc', 'square']);
  });

  it('reads them from URLs and named files, and gives own names precedence', async () => {
    const labelNames = { 2: 'box' };
    const url = await read(pathToFileURL(file('coco-rle.json')), { labelNames });
    expect(url.mask.data).toEqual(meant);
    expect(url.names).toEqual(['disc', 'box']);
    const bytes = readFileSync(file('coco-rle.json'));
    expect((await read(new File([bytes], 'a.JSON'))).mask.data).toEqual(meant);
  });

  it('takes the picture that is called like the image', async () => {
    const whole = JSON.parse(readFileSync(file('coco-rle.json'), 'utf8'));
    whole.images.push({ id: 2, file_name: 'other/image-2.jpg', width: 160, height: 120 });
    const named = new File([JSON.stringify(whole)], 'all.json');
    expect((await read(named)).mask.data).toEqual(meant);
    whole.images[0].file_name = 'renamed.jpg';
    await expect(read(new File([JSON.stringify(whole)], 'all.json'))).rejects.toThrow(
      'prompts[0].mask: has 2 pictures ("renamed.jpg", "other/image-2.jpg"), and none is called "image.jpg".',
    );
    const pixels = { data: new Uint8Array(width * height * 3), width, height };
    await expect(readPrompts([{ image: pixels, mask: named }])).rejects.toThrow(
      'the image has no name to choose by',
    );
  });

  it('is refused where files may not be read, or where it is of no format that is known', async () => {
    await expect(
      readPrompts([{ image: readFileSync(image), mask: file('coco-rle.json') }], {
        sources: ['memory'],
      }),
    ).rejects.toThrow('prompts[0].mask: is a path, and the option sources allows memory alone');
    await expect(read(new File(['{"a": 1}'], 'a.json'))).rejects.toThrow(
      'prompts[0].mask: is of no annotation format that is read',
    );
  });

  it('agrees on names over prompts, and refuses what contradicts itself', async () => {
    const [coco] = readCoco(readFileSync(file('coco-rle.json')));
    const turned = { ...coco, categories: undefined, objects: [...coco.objects].reverse() };
    const set = await readPrompts([
      { image, mask: coco },
      { image, mask: turned },
    ]);
    expect(set.prompts[1].mask.data).toEqual(meant);
    expect(Object.fromEntries(set.categories)).toEqual({ disc: 1, square: 2 });
    const red = new Uint8Array(width * height * 3);
    red[0] = 255;
    await expect(
      readPrompts([
        { image, mask: coco },
        { image, mask: { data: red, width, height } },
      ]),
    ).rejects.toThrow('marks by colours, and "prompts[0].mask" by numbers');
    const named = { ...encodeRle(one(2), height, width), name: 'box' };
    await expect(
      readPrompts([
        { image, mask: coco },
        { image, mask: named },
      ]),
    ).rejects.toThrow(
      'prompts[1].mask: calls the label 1 "box", but another prompt calls it "disc"',
    );
  });
});

describe('shapes', () => {
  const rle = (label: number) => encodeRle(one(label), height, width);

  it('reads run-lengths, outlines and masks as one label', async () => {
    const disc = one(1);
    const mask = new Mask(1, 'disc', 1, width, height, 1, [0, 0, 1, 1], disc);
    const polygons = maskToPolygons(disc, height, width);
    const shapes = [rle(1), compressRle(rle(1)), { polygons, width, height }, mask, mask.toJSON()];
    for (const shape of shapes) {
      const { mask: read1, labels } = await read(shape);
      expect(read1.data).toEqual(disc);
      expect(labels).toEqual([1]);
    }
    expect((await read(mask)).names).toEqual(['disc']);
    expect((await read({ width, height, data: meant })).mask.data).toEqual(meant);
  });

  it('reads several masks of one picture as several labels, later ones on top', async () => {
    const parts = ['label-studio-tag-disc-0.png', 'label-studio-tag-square-0.png'].map(file);
    expect((await read(parts)).mask.data).toEqual(meant);
    expect((await read([rle(1), parts[1]])).mask.data).toEqual(meant);
    const whole = { width, height, data: new Uint8Array(width * height).fill(7) };
    expect((await read([whole, rle(2)])).mask.data).toEqual(meant.map((l) => (l === 2 ? 2 : 1)));
  });

  it('keeps labels and names that they have', async () => {
    const { mask, names, labels } = await read([
      { ...rle(1), label: 9, name: 'disc' },
      { ...rle(2), label: 4 },
    ]);
    expect([labels, names]).toEqual([
      [4, 9],
      ['4', 'disc'],
    ]);
    expect(mask.data).toEqual(meant.map((label) => [0, 9, 4][label]));
  });

  it.each<[string, () => MaskInput, string]>([
    ['an empty list', () => [], 'prompts[0].mask: is an empty list'],
    [
      'one label twice',
      () => [{ ...rle(1), label: 2 }, rle(2)],
      'mask[1]: has the label 2, as prompts[0].mask[0] has',
    ],
    ['two sizes', () => [rle(1), { size: [1, 1], counts: [0, 1] }], 'mask[1]: is 1 x 1 pixels'],
    [
      'a label map in a list',
      () => [rle(1), { width, height, data: meant }],
      'mask[1]: has several labels',
    ],
    [
      'another size',
      () => ({ size: [1, 1], counts: [0, 1] }),
      'is 1 x 1 pixels, but its image is 160 x 120',
    ],
    [
      'short runs',
      () => ({ size: [120, 160], counts: [1] }),
      'prompts[0].mask: its runs cover 1 pixels',
    ],
    [
      'no size',
      () => ({ polygons: [[0, 0, 1, 0, 1, 1]] }) as never,
      'give { polygons, width, height }',
    ],
    [
      'two points',
      () => ({ polygons: [[0, 0, 1, 0]], width, height }),
      'mask.polygons[0]: must list',
    ],
    ['no label', () => ({ ...rle(1), label: 256 }), 'has the label 256'],
    [
      'a huge size',
      () => ({ size: [1e6, 1e6], counts: [1e12] }),
      'more than the limit of 100000000',
    ],
    [
      'huge annotations',
      () => ({ width: 1e6, height: 1e6, objects: [] }),
      'more than the limit of 100000000',
    ],
    ['nothing marked', () => ({ polygons: [], width, height }), 'is empty'],
  ])('refuses %s', async (_, mask, message) => {
    await expect(read(mask())).rejects.toThrow(message);
  });
});
