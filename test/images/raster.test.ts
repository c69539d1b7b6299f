import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import sharp from 'sharp';
import { OutputError } from '../../src/base/errors';
import { Picture } from '../../src/images/picture';
import type { DrawableCanvas } from '../../src/images/raster';
import { labelColors } from '../../src/masks/label-colors';
import { LabelPicture } from '../../src/masks/label-picture';
import { Mask } from '../../src/masks/mask';

const labels = Uint8Array.of(0, 1, 1, 0, 2, 0); // 3 x 2
const picture = new Picture(2, 1, Uint8Array.of(255, 0, 0, 0, 0, 255));
const map = new LabelPicture(3, 2, labels);
const mask = new Mask(1, 'cup', 0.87654, 3, 2, 2, [1, 0, 2, 1], labels);

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'seggpt-raster-'))));
afterAll(() => rm(folder, { recursive: true }));

async function pixels(bytes: Uint8Array) {
  const { channels } = await sharp(bytes).metadata();
  const space = channels === 1 ? 'b-w' : 'srgb';
  const data = await sharp(bytes).toColourspace(space).raw().toBuffer();
  return { values: [...data], channels };
}

it.each([
  ['a picture keeps its colours', picture, [255, 0, 0, 0, 0, 255], 3],
  ['a label map keeps its labels', map, [...labels], 1],
  ['a mask is 255 inside', mask, [0, 255, 255, 0, 0, 0], 1],
])('as a file, %s', async (_, raster, values, channels) => {
  expect(await pixels(await raster.toPng())).toEqual({ values, channels });
  const blob = await raster.toBlob();
  expect(blob.type).toBe('image/png');
  expect(await pixels(new Uint8Array(await blob.arrayBuffer()))).toEqual({ values, channels });
  const path = join(folder, 'new', `${channels}-${values.length}.PNG`);
  await raster.save(path);
  expect(await pixels(await readFile(path))).toEqual({ values, channels });
});

it.each(['mask.jpg', 'mask', 'mask.png.webp'])('does not write PNG as %s', async (name) => {
  await expect(mask.save(join(folder, name))).rejects.toMatchObject({
    name: 'InvalidInputError',
    argument: 'path',
    message: expect.stringContaining('NAME.png') as string,
  });
  await expect(readFile(join(folder, name))).rejects.toThrow('ENOENT');
});

it('tells by type that a file cannot be written, and leaves nothing behind', async () => {
  const place = join(folder, 'in-the-way');
  await writeFile(place, '');
  for (const path of [join(place, 'x.png'), join(folder, 'full', `${'x'.repeat(300)}.png`)]) {
    const failure = await mask.save(path).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutputError);
    expect(failure).toMatchObject({
      code: 'OUTPUT',
      message: expect.stringMatching(
        /^Cannot write ".*\.png" \(E.*\); make room, or choose/,
      ) as string,
    });
  }
  expect(await readdir(join(folder, 'full'))).toEqual([]);
});

it('on a canvas, masks are white on nothing and labels have the colours of overlays', () => {
  const clear = [0, 0, 0, 0];
  const white = [255, 255, 255, 255];
  expect([...mask.toImageData().data]).toEqual([clear, white, white, clear, clear, clear].flat());
  const [first, second] = labelColors().map((color) => [...color, 255]);
  expect([...map.toImageData().data]).toEqual([clear, first, first, clear, second, clear].flat());
  expect([...picture.toImageData().data]).toEqual([255, 0, 0, 255, 0, 0, 255, 255]);
});

it('a canvas takes the size and gets nothing else', () => {
  const drawn: unknown[] = [];
  const canvas: DrawableCanvas = {
    width: 999,
    height: 999,
    getContext: () => ({ putImageData: (...given: unknown[]) => drawn.push(given) }),
  };
  mask.drawTo(canvas);
  expect([canvas.width, canvas.height]).toEqual([3, 2]);
  expect(drawn).toEqual([[mask.toImageData(), 0, 0]]);
  const taken = { ...canvas, getContext: () => null };
  expect(() => mask.drawTo(taken)).toThrow('canvas: gives no 2D context');
});

it('JSON keeps what is known and no pixels', () => {
  expect(JSON.parse(JSON.stringify(mask))).toEqual({
    label: 1,
    name: 'cup',
    score: 0.87654,
    present: true,
    area: 2,
    box: [1, 0, 2, 1],
    segmentation: mask.toRLE(),
  });
  expect(JSON.stringify(map)).toBe('{"width":3,"height":2,"labels":[1,2]}');
  expect(JSON.stringify(picture)).toBe('{"width":2,"height":1}');
});

it('the console shows a line', () => {
  expect(inspect(mask)).toBe('Mask { label 1 "cup", score 0.877, 2 px, box [1, 0, 2, 1] }');
  expect(inspect(map)).toBe('LabelPicture { 3 x 2, labels 1, 2 }');
  expect(inspect(new LabelPicture(1, 1, Uint8Array.of(0)))).toContain('labels none');
  expect(inspect(picture)).toBe('Picture { 2 x 1 }');
});
