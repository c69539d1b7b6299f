import { readMarkedPixels } from '../../src/masks/mask-reading';
import { readMask } from '../../src/masks/read-mask';
import { vocColor } from '../../src/masks/void';
import { fixture } from '../helpers/fixture';

const options = { argument: 'mask', limits: { maxPixels: 1_000_000 } };
const [width, height] = [60, 40];

/** A square of a label with a frame of 255, `border` pixels wide. */
const framed = (label: number, border: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => {
    const distance = Math.max(Math.abs((i % width) - 30), Math.abs(Math.floor(i / width) - 20));
    return distance < 8 ? label : distance < 8 + border ? 255 : 0;
  }),
});
const labelsIn = async (input: Parameters<typeof readMask>[0], ignore?: number) =>
  [...new Set((await readMask(input, { ...options, ignore })).data)].sort((a, b) => a - b);

const voc = fixture('masks/voc-void-border/mask-voc-255-border.png');

it("leaves out the borders of a palette mask of PASCAL VOC's, and says so", async () => {
  expect(await labelsIn(voc)).toEqual([0, 1, 15]);
  const { notes } = await readMarkedPixels(voc, options);
  expect(notes).toEqual([expect.stringMatching(/255 is left out as void.*option ignore \(0\)/)]);
  expect(await labelsIn(voc, 0)).toEqual([0, 1, 15, 255]);
  expect(await labelsIn(voc, 15)).toEqual([0, 1, 255]);
});

it.each([
  ['classes counted from 1, however wide 255 is', framed(7, 12), [0, 7]],
  ['a narrow border around any class', framed(150, 4), [0, 150]],
  ['a wide area beside a high label', framed(150, 12), [0, 150, 255]],
  ['objects counted up to 255', framed(254, 2), [0, 254, 255]],
  ['0 and 255 alone, which are black and white', framed(255, 4), [0, 1]],
])('knows %s', async (_, input, labels) => {
  expect(await labelsIn(input)).toEqual(labels);
});

it("knows the colours of PASCAL VOC's palette in RGB", async () => {
  expect([0, 1, 2, 15, 20, 255].map((i) => vocColor(i).toString(16).padStart(6, '0'))).toEqual([
    '000000',
    '800000',
    '008000',
    'c08080',
    '004080',
    'e0e0c0',
  ]);
  const row = (...colors: number[]) => ({
    data: colors.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]),
    width: colors.length,
    height: 1,
  });
  expect(await labelsIn(row(0, 0x800000, 0xe0e0c0))).toEqual([0, 1]);
  expect(await labelsIn(row(0, 0x800000, 0xe0e0c0), 0)).toEqual([0, 1, 2]);
  expect(await labelsIn(row(0, 0x810000, 0xe0e0c0))).toEqual([0, 1, 2]);
});

it.each([-1, 256, 1.5])('refuses %d as a value', async (ignore) => {
  await expect(labelsIn(framed(1, 2), ignore)).rejects.toThrow(/^ignore: must be a whole number/);
});
