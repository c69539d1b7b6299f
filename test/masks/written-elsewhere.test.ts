/** Label maps that Pillow, OpenCV, tifffile and ImageMagick wrote come back: see test/fixtures/make_label_maps.py. */
import { readFileSync } from 'node:fs';
import { readMask } from '../../src/masks/read-mask';

interface Truth {
  readonly width: number;
  readonly height: number;
  readonly maps: Readonly<Record<string, readonly number[]>>;
  readonly files: readonly {
    readonly file: string;
    readonly map: string;
    readonly kind: 'labels' | 'colours';
  }[];
}
const folder = 'test/fixtures/label-maps';
const truth = JSON.parse(readFileSync(`${folder}/truth.json`, 'utf8')) as Truth;
const options = { argument: 'mask', limits: { maxPixels: 1000 }, ignore: 0 };

it.each(truth.files)('$file', async ({ file, map, kind }) => {
  const { width, height, data } = await readMask(`${folder}/${file}`, options);
  expect([width, height]).toEqual([truth.width, truth.height]);
  const wanted = truth.maps[map];
  if (kind === 'labels') return expect(Array.from(data)).toEqual(wanted);
  // Colours are numbered as they are met: one number for each label, and 0 for the background.
  const numbers = new Map<number, number>([[0, 0]]);
  wanted.forEach((label, i) => numbers.has(label) || numbers.set(label, data[i]));
  expect(new Set(numbers.values()).size).toBe(numbers.size);
  expect(Array.from(data)).toEqual(wanted.map((label) => numbers.get(label)));
});
