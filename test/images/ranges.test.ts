import ndarray from 'ndarray';
import sharp from 'sharp';
import type { ImageInput } from '../../src/images/image-input';
import { readImage } from '../../src/images/rgb-image';
import type { Window } from '../../src/images/ranges';
import { fixture } from '../helpers/fixture';

let warned: jest.SpiedFunction<typeof process.emitWarning>;
beforeEach(() => (warned = jest.spyOn(process, 'emitWarning').mockReturnValue()));
afterEach(() => warned.mockRestore());

const read = (input: ImageInput, window?: Window) =>
  readImage(input, { argument: 'target', limits: { maxPixels: 1_000_000 }, window });
const levels = async (input: ImageInput, window?: Window) =>
  [...(await read(input, window)).data].filter((_, i) => i % 3 === 0);
const difference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
const file = (name: string) => fixture(`masks/sixteen-bit-range/${name}`);

it('shows 12 bits in 16 as the same picture of 8 bits, with a warning', async () => {
  const plain = await read(file('target-8bit.png'));
  const full = await read(file('target-16bit-full-range.png'));
  expect(difference(full.data, plain.data)).toBeLessThan(1);
  expect(warned).not.toHaveBeenCalled();
  const deep = await read(file('target-12bit-in-16.png'));
  expect(difference(deep.data, plain.data)).toBeLessThan(1);
  expect(warned).toHaveBeenCalledTimes(1);
  expect(warned.mock.calls[0][0]).toMatch(/target-12bit-in-16\.png: its values .*option window/);
  const narrow = await read(file('target-12bit-in-16.png'), [0, 2047]);
  expect(difference(narrow.data, plain.data)).toBeGreaterThan(20);
});

it('shows floats of a file as they are meant, and stretches Hounsfield units', async () => {
  const plain = await read(file('target-8bit.png'));
  expect(difference((await read(file('target-float-0-1.tif'))).data, plain.data)).toBeLessThan(1);
  expect(warned).not.toHaveBeenCalled();
  const { data } = await read(file('target-int16-hounsfield.tif'));
  expect(Math.max(...data) - Math.min(...data)).toBe(255);
  expect(warned.mock.calls[0][0]).toMatch(/hounsfield\.tif: its values -?\d+ … \d+ are no levels/);
});

it('shows colours of 12 bits in 16', async () => {
  const deep = await sharp(Uint16Array.of(0, 2000, 4095, 4095, 0, 1000), {
    raw: { width: 2, height: 1, channels: 3 },
  })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  expect([...(await read(deep, [0, 4095])).data]).toEqual([0, 125, 255, 255, 0, 62]);
});

/** A TIFF of grey values of any type, which sharp reads and does not write. */
function tiff(values: Int16Array | Float32Array | Int32Array, format: 2 | 3): Buffer {
  const entries = [
    [256, values.length],
    [257, 1],
    [258, values.BYTES_PER_ELEMENT * 8],
    [259, 1],
    [262, 1],
    [273, 8 + 2 + 10 * 12 + 4],
    [277, 1],
    [278, 1],
    [279, values.byteLength],
    [339, format],
  ];
  const head = Buffer.alloc(8 + 2 + entries.length * 12 + 4);
  head.write('II');
  head.writeUInt16LE(42, 2);
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, value], i) => {
    head.writeUInt16LE(tag, 10 + i * 12);
    head.writeUInt16LE(4, 12 + i * 12);
    head.writeUInt32LE(1, 14 + i * 12);
    head.writeUInt32LE(value, 18 + i * 12);
  });
  return Buffer.concat([head, Buffer.from(values.buffer)]);
}

it.each<[string, () => ImageInput]>([
  ['a TIFF of signed 16 bits', () => tiff(Int16Array.of(-1000, -300, 400), 2)],
  ['a TIFF of signed 32 bits', () => tiff(Int32Array.of(-1000, -300, 400), 2)],
  ['a TIFF of floats', () => tiff(Float32Array.of(-1000, -300, 400), 3)],
  [
    'signed values in memory',
    () => ({ data: Int16Array.of(-1000, -300, 400), width: 3, height: 1 }),
  ],
  ['an ndarray of floats', () => ndarray(Float32Array.of(-1000, -300, 400), [1, 3])],
])('stretches %s', async (_, input) => {
  expect(await levels(input())).toEqual([0, 128, 255]);
  expect(warned).toHaveBeenCalledTimes(
    _.includes('TIFF of signed 16') ? 1 : warned.mock.calls.length,
  );
  expect(await levels(input(), [-300, 400])).toEqual([0, 0, 255]);
});

it.each<[string, () => ImageInput, number[]]>([
  ['floats 0 … 1 of a file', () => tiff(Float32Array.of(0, 0.5, 1), 3), [0, 128, 255]],
  [
    '16 bits that span their type',
    () => ({ data: Uint16Array.of(0, 32768, 65535), width: 3, height: 1 }),
    [0, 128, 255],
  ],
  [
    'levels of another type',
    () => ({ data: Int32Array.of(0, 7, 255), width: 3, height: 1 }),
    [0, 7, 255],
  ],
])('takes %s as they are meant', async (_, input, wanted) => {
  expect(await levels(input())).toEqual(wanted);
  expect(warned).not.toHaveBeenCalled();
});

it('clips a thousandth at either end', async () => {
  const data = Float32Array.from({ length: 10_001 }, (_, i) => i);
  data[10_000] = 1e6;
  const found = await levels({ data, width: 10_001, height: 1 });
  expect([found[10], found[5000], found[9990]]).toEqual([0, 128, 255]);
});

it.each([[[400, -300]], [[1]], ['0,1'], [[0, NaN]]])('refuses the window %j', async (window) => {
  await expect(read(file('mask.png'), window as unknown as Window)).rejects.toThrow(
    /^window: must be \[low, high\]/,
  );
});
