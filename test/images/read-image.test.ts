import type { ImageInput } from '../../src/images/image-input';
import fc from 'fast-check';
import ndarray from 'ndarray';
import sharp from 'sharp';
import { ImageError, InvalidInputError, SegGptError } from '../../src/base/errors';
import { readImage } from '../../src/images/rgb-image';
import { encode, gradient } from '../helpers/picture';

const options = { argument: 'target', limits: { maxPixels: 1_000_000 } };
const [width, height] = [40, 30];
const pixels = gradient(width, height);

it.each(['png', 'tiff'] as const)('decodes %s exactly', async (format) => {
  const image = await readImage(
    await encode(format, pixels, width, height, 3, format === 'tiff' ? { compression: 'lzw' } : {}),
    options,
  );
  expect(image).toMatchObject({ width, height });
  expect(Buffer.compare(image.data, pixels)).toBe(0);
});

it.each(['jpeg', 'webp', 'avif', 'gif'] as const)('decodes %s closely', async (format) => {
  const image = await readImage(await encode(format, pixels, width, height), options);
  const error =
    image.data.reduce((sum, value, i) => sum + Math.abs(value - pixels[i]), 0) / pixels.length;
  expect(error).toBeLessThan(12);
});

it('turns by EXIF', async () => {
  const turned = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  expect(await readImage(turned, options)).toMatchObject({ width: height, height: width });
});

it('composites transparency over white and repeats grey', async () => {
  const rgba = Uint8Array.of(100, 0, 0, 255, 100, 0, 0, 0, 100, 0, 0, 51);
  expect([...(await readImage({ data: rgba, width: 3, height: 1 }, options)).data]).toEqual([
    100, 0, 0, 255, 255, 255, 224, 204, 204,
  ]);
  expect([...(await readImage({ data: [7, 9], width: 2, height: 1 }, options)).data]).toEqual([
    7, 7, 7, 9, 9, 9,
  ]);
});

it('takes ndarrays in any stride, integers as 0 … 255 and floats as 0 … 1', async () => {
  const planar = ndarray(Uint8Array.of(1, 2, 3, 4, 5, 6), [3, 1, 2]).transpose(1, 2, 0); // (1, 2, 3)
  expect([...(await readImage(planar, options)).data]).toEqual([1, 3, 5, 2, 4, 6]);
  const floats = ndarray(Float32Array.of(0, 0.5, 1), [1, 1, 3]);
  expect([...(await readImage(floats, options)).data]).toEqual([0, 128, 255]);
  await expect(readImage(ndarray(Float32Array.of(0, 80, 255), [1, 1, 3]), options)).rejects.toThrow(
    /divide by 255/,
  );
});

it('squeezes 16 bits to 8, turns CMYK into RGB and takes the first frame of an animation', async () => {
  const deep = await sharp(Uint16Array.of(0, 32768, 65535), {
    raw: { width: 1, height: 1, channels: 3 },
  })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const read = await readImage(deep, options);
  expect([...read.data]).toEqual([0, 128, 255]);
  const cmyk = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  expect((await readImage(cmyk, options)).data).toHaveLength(pixels.length);
  const frames = await sharp(Buffer.concat([pixels, pixels]), {
    raw: { width, height: 2 * height, channels: 3, pageHeight: height },
  })
    .gif()
    .toBuffer();
  expect(await readImage(frames, options)).toMatchObject({ width, height });
});

describe('refuses, naming the argument or file', () => {
  it.each([
    ['a missing file', '/nowhere/cat.jpg', ImageError, /no image file "\/nowhere\/cat.jpg"/],
    ['no bytes', new Uint8Array(0), ImageError, /target is empty/],
    [
      'what is no image',
      Buffer.from('hello, this is text'),
      ImageError,
      /target cannot be decoded/,
    ],
    ['nothing', null as unknown as string, InvalidInputError, /^target: must be a path/],
    ['a number', 5 as unknown as string, InvalidInputError, /is number/],
    [
      'pixels of another length',
      { data: new Uint8Array(7), width: 2, height: 1 },
      InvalidInputError,
      /2 x 1 pixels need 2 values/,
    ],
    ['no size', { data: [], width: 0, height: 4 }, ImageError, /0 x 4/],
    ['five channels', ndarray(new Uint8Array(20), [2, 2, 5]), InvalidInputError, /has \(2, 2, 5\)/],
    [
      'values out of range',
      { data: [300], width: 1, height: 1 },
      InvalidInputError,
      /the value 300/,
    ],
    ['another object', { cat: true }, InvalidInputError, /none of them/],
  ])('%s', async (_, input, type, message) => {
    const failure = await readImage(input as ImageInput, options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(type);
    expect((failure as Error).message).toMatch(message);
  });

  it('a truncated file', async () => {
    const file = await encode('jpeg', pixels, width, height);
    await expect(readImage(file.subarray(0, file.length / 2), options)).rejects.toThrow(ImageError);
  });

  it('a picture over the limit, before decoding it; the limit can be raised', async () => {
    const file = await encode('png', new Uint8Array(1200 * 1000), 1200, 1000, 1);
    await expect(readImage(file, options)).rejects.toThrow(
      /1200 x 1000 pixels, more than the limit of 1000000; raise the option maxPixels/,
    );
    await expect(
      readImage(file, { ...options, limits: { maxPixels: 2_000_000 } }),
    ).resolves.toMatchObject({ width: 1200 });
  });
});

it('never fails with anything but a typed error on damaged files', async () => {
  const files = await Promise.all(
    (['png', 'jpeg', 'webp', 'gif'] as const).map((format) =>
      encode(format, pixels, width, height),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (file, edits, keep) => {
        const bytes = Uint8Array.from(file.subarray(0, Math.ceil(file.length * keep)));
        for (const [at, value] of edits) if (bytes.length) bytes[at % bytes.length] = value;
        await readImage(bytes, options).catch((error: unknown) =>
          expect(error).toBeInstanceOf(SegGptError),
        );
      },
    ),
    { numRuns: 150 },
  );
});
