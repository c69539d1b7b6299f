import fc from 'fast-check';
import ndarray from 'ndarray';
import sharp from 'sharp';
import { InvalidInputError } from '../../src/base/errors';
import type { ColorTable } from '../../src/masks/label-space';
import { readMask } from '../../src/masks/read-mask';
import { box, encode } from '../helpers/picture';

const options = { argument: 'prompts[0].mask', limits: { maxPixels: 1_000_000 } };
const read = (
  input: Parameters<typeof readMask>[0],
  table: ColorTable = new Map(),
  tolerance?: number,
) => readMask(input, { ...options, tolerance }, table);

it('takes one channel as labels', async () => {
  const labels = box(20, 10, 7);
  expect((await read(await encode('png', labels, 20, 10, 1))).data).toEqual(labels);
  expect((await read({ data: labels, width: 20, height: 10 })).data).toEqual(labels);
  expect((await read(ndarray(Int32Array.from(labels), [10, 20]))).data).toEqual(labels);
});

it('takes booleans', async () => {
  expect([...(await read({ data: [true, false, true], width: 3, height: 1 })).data]).toEqual([
    1, 0, 1,
  ]);
});

it('takes the indices of a palette PNG at every depth and filter', async () => {
  for (const colours of [2, 4, 16, 200]) {
    const labels = Uint8Array.from({ length: 31 * 17 }, (_, i) => (i * 7919) % colours);
    const rgb = Uint8Array.from(
      { length: labels.length * 3 },
      (_, i) => (labels[Math.floor(i / 3)] * [37, 91, 53][i % 3]) % 256,
    );
    const file = await sharp(rgb, { raw: { width: 31, height: 17, channels: 3 } })
      .png({ palette: true, colours, dither: 0, effort: 1 })
      .toBuffer();
    const { data } = await read(file);
    // The encoder orders its palette as it likes: indices must partition the picture as colours do.
    const pairs = new Set(Array.from(data, (index, i) => `${index} ${labels[i]}`));
    expect(pairs.size).toBe(new Set(labels).size);
  }
});

it('gives one label to each distinct colour, the same in every mask', async () => {
  const table: ColorTable = new Map();
  const red = [255, 0, 0];
  const blue = [0, 0, 255];
  const first = await read({ data: [...red, 0, 0, 0, ...blue], width: 3, height: 1 }, table);
  const second = await read({ data: [...blue, ...blue, ...red], width: 3, height: 1 }, table);
  expect([...first.data]).toEqual([1, 0, 2]);
  expect([...second.data]).toEqual([2, 2, 1]);
});

it('takes transparent pixels as background', async () => {
  expect([...(await read({ data: [9, 9, 9, 0, 9, 9, 9, 255], width: 2, height: 1 })).data]).toEqual(
    [0, 1],
  );
});

it('takes floating-point colours as 0 … 1, and floating-point labels as they are', async () => {
  const colors = Float32Array.of(0.9, 0.5, 0.1, 1, 1, 1, 0, 0, 0, 0.9, 0.5, 0.1);
  const table: ColorTable = new Map();
  expect([...(await read({ data: colors, width: 4, height: 1 }, table)).data]).toEqual([
    1, 2, 0, 1,
  ]);
  expect([...table.keys()]).toEqual([0xe5801a, 0xffffff]);
  const withAlpha = ndarray(Float32Array.of(1, 0, 0, 1, 1, 0, 0, 0.2), [1, 2, 4]);
  expect([...(await read(withAlpha)).data]).toEqual([1, 0]);
  expect([...(await read({ data: Float32Array.of(0, 3), width: 2, height: 1 })).data]).toEqual([
    0, 3,
  ]);
});

it('leaves label maps as they are where a tolerance is given for others', async () => {
  const input = { data: Uint8Array.of(0, 3, 40, 200), width: 4, height: 1 };
  expect([...(await read(input, new Map(), 32)).data]).toEqual([0, 3, 40, 200]);
  expect([
    ...(await read({ ...input, data: [true, false, true, true] }, new Map(), 32)).data,
  ]).toEqual([1, 0, 1, 1]);
});

it('knows lossy WebP behind profiles, alpha and animation', async () => {
  const rgba = Uint8Array.from({ length: 32 * 32 * 4 }, (_, i) =>
    i % 4 === 3 ? i % 251 : i % 256,
  );
  const picture = () => sharp(rgba, { raw: { width: 32, height: 32, channels: 4 } });
  const pages = sharp(rgba, { raw: { width: 32, height: 32, channels: 4, pageHeight: 16 } });
  for (const file of [
    await picture().webp({ quality: 60 }).toBuffer(), // has alpha
    await picture().removeAlpha().withIccProfile('srgb').webp({ quality: 60 }).toBuffer(),
    await pages.webp({ quality: 60 }).toBuffer(),
  ]) {
    expect(file.toString('latin1', 12, 16)).toBe('VP8X');
    await expect(read(file)).rejects.toThrow(/not clear.*save the mask as PNG, or .*tolerance/);
  }
  const lossless = await picture().withIccProfile('srgb').webp({ lossless: true }).toBuffer();
  expect(lossless.toString('latin1', 12, 16)).toBe('VP8X');
  await expect(read(lossless)).resolves.toMatchObject({ width: 32 });
});

it('takes lossy formats, with and without a tolerance', async () => {
  const rgb = Uint8Array.from(box(64, 64, 1)).reduce<number[]>(
    (all, label) => (all.push(label * 255, 0, 0), all),
    [],
  );
  const wrong = ({ data }: { data: Uint8Array }) =>
    data.reduce((sum, label, i) => sum + Number(label !== box(64, 64, 1)[i]), 0) / data.length;
  const jpeg = await encode('jpeg', Uint8Array.from(rgb), 64, 64, 3, { quality: 80 });
  const webp = await encode('webp', Uint8Array.from(rgb), 64, 64);
  const lossless = await encode('webp', Uint8Array.from(rgb), 64, 64, 3, { lossless: true });
  expect((await read(lossless)).data).toEqual(box(64, 64, 1));
  for (const file of [jpeg, webp]) {
    expect(wrong(await read(file))).toBeLessThan(0.05);
    expect(wrong(await read(file, new Map(), 150))).toBeLessThan(0.05);
  }
});

it.each([
  ['labels past 255', { data: [300], width: 1, height: 1 }, /label 300; there may be at most 255/],
  [
    'fractions',
    { data: [0.5], width: 1, height: 1 },
    /fractions between 0 and 1, .*labels are whole numbers/,
  ],
  ['colours past 255', { data: [300, 0, 9], width: 1, height: 1 }, /colour value 300; .*0 to 255/],
  ['colours that are no numbers', { data: [1, NaN, 9], width: 1, height: 1 }, /colour value NaN/],
  [
    'floating-point colours past 1',
    { data: Float32Array.of(255, 0, 0), width: 1, height: 1 },
    /colour value 255; .*divide by 255/,
  ],
  ['negative labels', { data: [-1], width: 1, height: 1 }, /value -1/],
  [
    'more than 255 colours',
    {
      data: Array.from({ length: 300 * 3 }, (_, i) =>
        i % 3 === 0 ? Math.floor(i / 3) % 256 : i % 3 === 1 ? Math.floor(i / 768) * 9 : 40,
      ),
      width: 300,
      height: 1,
    },
    /more than 255 distinct colours.*photograph/,
  ],
])('refuses %s', async (_, input, message) => {
  const failure = await read(input).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InvalidInputError);
  expect((failure as Error).message).toMatch(message);
});

it('takes 16 bits whose values are labels, and refuses larger ones', async () => {
  const file = (...values: number[]) =>
    sharp(Uint16Array.from(values), { raw: { width: values.length, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
  expect([...(await read(await file(0, 1, 2, 254, 255))).data]).toEqual([0, 1, 2, 254, 255]);
  expect([...(await read(await file(0, 65535))).data]).toEqual([0, 1]);
  await expect(read(await file(1, 300))).rejects.toThrow(/holds the label 300;.*renumber them/);
  await expect(read(await file(1, 300, 65535))).rejects.toThrow(
    /holds values up to 65535,.*renumber/,
  );
});

it('keeps every label of a PNG label map', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 35, maxLength: 35, max: 254 }), async (labels) => {
      expect([...(await read(await encode('png', labels, 7, 5, 1))).data]).toEqual([...labels]);
    }),
    { numRuns: 30 },
  );
});

it('black stays background and known colours keep their labels, however near a known colour is', async () => {
  const table: ColorTable = new Map();
  const pixels = (...colors: number[][]) => ({
    data: Uint8Array.from(colors.flat()),
    width: colors.length,
    height: 1,
  });
  const [black, nearBlack, nearer] = [
    [0, 0, 0],
    [9, 0, 0],
    [12, 0, 0],
  ];
  expect([...(await read(pixels(nearBlack, nearer), table)).data]).toEqual([1, 2]);
  const again = await read(pixels(black, nearBlack, nearer), table, 10);
  expect([...again.data]).toEqual([0, 1, 2]);
});
