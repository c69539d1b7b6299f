/** Masks as files of many kinds: the same marks give the same labels. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import ndarray from 'ndarray';
import sharp from 'sharp';
import type { ImageInput } from '../../src/images/image-input';
import { readMask } from '../../src/masks/read-mask';
import { fixture } from '../helpers/fixture';
import { box, encode } from '../helpers/picture';

const read = async (input: ImageInput) => [
  ...(await readMask(input, { argument: 'mask', limits: { maxPixels: 1_000_000 } })).data,
];
const [width, height] = [24, 16];
const marks = box(width, height);
const wanted = [...marks];
const white = marks.map((mark) => mark * 255);
const spread = (channels: number, of: (mark: number, channel: number) => number) =>
  Uint8Array.from({ length: marks.length * channels }, (_, i) =>
    of(marks[Math.floor(i / channels)], i % channels),
  );
const rgb = spread(3, (mark) => mark * 255);
const cutOut = spread(4, (mark, c) => (c === 3 ? mark * 255 : 200));

/** A PNG of one bit, which sharp writes with a palette alone. */
function oneBit(colorType: 0 | 3): Buffer {
  const rows: number[] = [];
  for (let y = 0; y < height; y++) {
    rows.push(0);
    for (let x = 0; x < width; x += 8)
      rows.push(marks.subarray(y * width + x, y * width + x + 8).reduce((a, b) => a * 2 + b, 0));
  }
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  header[9] = colorType;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(colorType === 3 ? [chunk('PLTE', Buffer.from([0, 0, 0, 128, 0, 0]))] : []),
    chunk('IDAT', deflateSync(Buffer.from(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const sixteen = (values: Uint16Array) =>
  sharp(values, { raw: { width, height, channels: 1 } }).toColourspace('grey16');
const greyAlpha = spread(2, (mark, c) => (c === 0 ? 255 : mark * 255));

it.each<[string, () => ImageInput | Promise<ImageInput>]>([
  ['grey 0 and 1', () => encode('png', marks, width, height, 1)],
  ['grey 0 and 255', () => encode('png', white, width, height, 1)],
  ['grey of 1 bit', () => oneBit(0)],
  ['a palette of 1 bit', () => oneBit(3)],
  ['grey of 16 bits, 0 and 1', () => sixteen(Uint16Array.from(marks)).png().toBuffer()],
  [
    'grey of 16 bits, 0 and 65535',
    () =>
      sixteen(Uint16Array.from(marks, (m) => m * 65535))
        .png()
        .toBuffer(),
  ],
  [
    'a TIFF of 16 bits',
    () => sixteen(Uint16Array.from(marks)).tiff({ compression: 'lzw' }).toBuffer(),
  ],
  [
    'grey and alpha',
    () =>
      sharp(greyAlpha, { raw: { width, height, channels: 2 } })
        .png()
        .toBuffer(),
  ],
  ['RGB', () => encode('png', rgb, width, height, 3)],
  ['RGBA', () => encode('png', cutOut, width, height, 4)],
  ['a GIF', () => encode('gif', rgb, width, height, 3)],
  ['a TIFF', () => encode('tiff', white, width, height, 1, { compression: 'lzw' })],
  ['lossless WebP', () => encode('webp', rgb, width, height, 3, { lossless: true })],
  ['bytes', () => ({ data: marks, width, height })],
  ['bytes of black and white', () => ({ data: white, width, height })],
  ['booleans', () => ({ data: wanted.map((mark) => mark === 1), width, height })],
  ['BigInt', () => ({ data: BigUint64Array.from(wanted, BigInt), width, height })],
  ['floats', () => ({ data: Float32Array.from(marks), width, height })],
  ['doubles', () => ({ data: Float64Array.from(marks), width, height })],
  ['an ndarray of 16 bits', () => ndarray(Uint16Array.from(marks), [height, width])],
  ['an ndarray of floats', () => ndarray(Float32Array.from(marks), [height, width])],
])('reads %s', async (_, input) => {
  expect(await read(await input())).toEqual(wanted);
});

describe('keeps labels from colour management', () => {
  it.each(['1.0', '1.8', '2.6'])('grey with a profile of gamma %s', async (gamma) => {
    const plain = await read(fixture('masks/mask-with-colour-profile/mask-plain.png'));
    expect(new Set(plain)).toEqual(new Set(Array.from({ length: 16 }, (_, i) => i)));
    const file = fixture(`masks/mask-with-colour-profile/mask-grey-gamma-${gamma}.png`);
    expect(await read(file)).toEqual(plain);
  });

  it.each(['png', 'tiff', 'webp'] as const)('RGB %s with a profile', async (format) => {
    const table = new Map<number, number>();
    const file = await sharp(Uint8Array.of(128, 0, 0, 0, 128, 0), {
      raw: { width: 2, height: 1, channels: 3 },
    })
      .withIccProfile('p3')
      .toFormat(format, { lossless: true })
      .toBuffer();
    await readMask(file, { argument: 'mask', limits: { maxPixels: 9 } }, table);
    const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
    expect([...table.keys()]).toEqual([0, 3].map((at) => stored.readUIntBE(at, 3)));
  });
});

it('takes transparent as background in white with an alpha channel', async () => {
  const labels = await read(fixture('masks/grey-alpha-mask/mask-white-with-alpha.png'));
  expect(labels.filter((label) => label === 1)).toHaveLength(2994);
  expect(new Set(labels)).toEqual(new Set([0, 1]));
});

it('reads the same indices from an interlaced palette', async () => {
  const plain = await read(fixture('masks/mixed-mask-kinds/mask-palette-1-15.png'));
  expect(new Set(plain)).toEqual(new Set([0, 1, 15]));
  const interlaced = fixture('masks/mixed-mask-kinds/mask-palette-1-15-interlaced.png');
  expect(await read(interlaced)).toEqual(plain);
});

it('reads labels of 16 bits', async () => {
  const labels = await read(fixture('masks/sixteen-bit-range/mask-16bit-labels-1-2.png'));
  expect(new Set(labels)).toEqual(new Set([0, 1, 2]));
});

it('takes the colours of a palette that a program made to save space', async () => {
  // White comes first in it, black second: by its indices the background would be the label.
  const swapped = Buffer.from(oneBit(3));
  swapped.set([255, 255, 255, 0, 0, 0], swapped.indexOf('PLTE') + 4);
  expect(await read(swapped)).toEqual(wanted.map((mark) => 1 - mark));
});

it('label maps of any labels come back from every lossless format', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .uint8Array({ minLength: 63, maxLength: 63 })
        .filter((labels) => labels.some((l) => l > 0 && l < 255)),
      fc.constantFrom('png', 'interlaced', 'png16', 'tiff', 'memory'),
      async (labels, how) => {
        const raw = sharp(labels, { raw: { width: 9, height: 7, channels: 1 } });
        const grey = raw.toColourspace('b-w');
        const file =
          how === 'memory'
            ? { data: labels, width: 9, height: 7 }
            : how === 'tiff'
              ? await grey.tiff({ compression: 'deflate' }).toBuffer()
              : how === 'png16'
                ? await sharp(Uint16Array.from(labels), {
                    raw: { width: 9, height: 7, channels: 1 },
                  })
                    .toColourspace('grey16')
                    .png()
                    .toBuffer()
                : await grey.png({ progressive: how === 'interlaced' }).toBuffer();
        const options = { argument: 'mask', limits: { maxPixels: 100 }, ignore: 0 };
        expect([...(await readMask(file, options)).data]).toEqual([...labels]);
      },
    ),
    { numRuns: 150 },
  );
});
