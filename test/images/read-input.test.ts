import ndarray from 'ndarray';
import { AbortedError, ImageError, InvalidInputError } from '../../src/base/errors';
import { imageCodec } from '../../src/images/image-codec';
import type { ImageInput } from '../../src/images/image-input';
import { type ReadOptions, readPixels } from '../../src/images/read-input';
import { readImage } from '../../src/images/rgb-image';
import { encode, gradient } from '../helpers/picture';

const options: ReadOptions = {
  argument: 'target',
  purpose: 'image',
  limits: { maxPixels: 100 },
};
const read = (input: unknown, more: Partial<ReadOptions> = {}) =>
  readPixels(input as ImageInput, { ...options, ...more });
const failure = (input: unknown, more: Partial<ReadOptions> = {}) =>
  read(input, more).catch((error: unknown) => error);

describe('what is known of pixels', () => {
  it.each([
    ['bytes', Uint8Array.of(1, 2, 3, 4), 1, { fractional: false, bytes: true }],
    ['clamped bytes', new Uint8ClampedArray(12), 3, { fractional: false, bytes: true }],
    ['words', Uint16Array.of(1, 2, 3, 4), 1, { fractional: false, bytes: false }],
    ['floats', new Float32Array(16), 4, { fractional: true, bytes: false }],
    ['doubles', new Float64Array(12), 3, { fractional: true, bytes: false }],
    ['a list', [0, 1, 0, 1], 1, { fractional: false, bytes: false }],
  ])('in %s', async (_, data, channels, known) => {
    const pixels = await read({ data, width: 2, height: 2 });
    expect(pixels).toMatchObject({ width: 2, height: 2, channels, lossy: false, ...known });
    // They are the caller's, who may change them.
    expect(pixels.owned).toBe(false);
    expect([...(pixels.data as Uint8Array)]).toEqual([...data]);
  });

  it('in a list of booleans: ones and zeros', async () => {
    const { data } = await read({ data: [true, false], width: 2, height: 1 });
    expect([...(data as Float64Array)]).toEqual([1, 0]);
  });

  it.each([
    ['uint8', new Uint8Array(6), false],
    ['int32', new Int32Array(6), false],
    ['float32', new Float32Array(6), true],
    ['float64', new Float64Array(6), true],
  ])('in an ndarray of %s', async (_, data, fractional) => {
    const pixels = await read(ndarray(data, [3, 2]));
    expect(pixels).toMatchObject({ height: 3, width: 2, channels: 1, fractional, lossy: false });
  });

  it.each([
    ['float32', true],
    ['int32', false],
    ['bool', false],
  ])('in a tensor of %s', async (dtype, fractional) => {
    const tensor = { shape: [1, 2, 3], dtype, data: () => Promise.resolve(new Float32Array(6)) };
    expect(await read(tensor)).toMatchObject({
      height: 1,
      width: 2,
      channels: 3,
      fractional,
      lossy: false,
      owned: false,
    });
  });

  it('in a file: bytes that are nobody else’s', async () => {
    const file = await encode('png', gradient(4, 3), 4, 3);
    expect(await read(file)).toMatchObject({
      ...{ width: 4, height: 3, channels: 3 },
      ...{ fractional: false, bytes: true, owned: true, lossy: false },
    });
    expect(await read(new Blob([new Uint8Array(file)]))).toMatchObject({ width: 4, height: 3 });
  });
});

it('knows a tensor that has more than one needs from an ndarray', async () => {
  const tensor = {
    ...{ shape: [1, 1], dtype: 'int32', data: () => Promise.resolve([5]) },
    get: () => 7,
  };
  expect(await read(tensor)).toMatchObject({ width: 1, height: 1, data: [5] });
  expect(await failure({ stride: [1], get: () => 7 })).toBeInstanceOf(InvalidInputError);
});

describe('shapes', () => {
  it.each([
    [[2, 3], 1],
    [[2, 3, 1], 1],
    [[2, 3, 3], 3],
    [[2, 3, 4], 4],
  ])('(%s) is height, width and channels', async (shape, channels) => {
    const data = new Uint8Array(shape.reduce((a, b) => a * b));
    expect(await read(ndarray(data, shape))).toMatchObject({ height: 2, width: 3, channels });
  });

  it.each([[[6]], [[2, 3, 2]], [[2, 3, 5]], [[1, 2, 3, 1]], [[1, 2, 3, 3]]])(
    '(%s) is none of a picture',
    async (shape) => {
      const data = new Uint8Array(shape.reduce((a, b) => a * b));
      const error = await failure(ndarray(data, shape));
      expect(error).toBeInstanceOf(InvalidInputError);
      expect(error).toMatchObject({ argument: 'target' });
    },
  );

  it.each([1, 3, 4])('pixels may have %i channels', async (channels) => {
    const pixels = { data: new Uint8Array(6 * channels), width: 3, height: 2 };
    expect(await read(pixels)).toMatchObject({ channels });
  });

  it.each([2, 5, 0])('pixels may not have %i', async (channels) => {
    const pixels = { data: new Uint8Array(6 * channels), width: 3, height: 2 };
    expect(await failure(pixels)).toBeInstanceOf(InvalidInputError);
  });
});

describe('sizes', () => {
  const sized = (width: number, height: number) => ({ data: [0], width, height });
  it.each([
    [0, 1],
    [1, 0],
    [-1, -1],
    [-1, 1],
    [1, -1],
    [0.5, 2],
    [2, 0.5],
    [NaN, 1],
  ])('%d x %d are no size', async (width, height) => {
    const error = await failure(sized(width, height));
    expect(error).toBeInstanceOf(ImageError);
    expect((error as Error).message).toContain(`no pixels: its size is ${width} x ${height}`);
  });

  it('may reach the limit, and not pass it', async () => {
    expect(await read({ data: new Uint8Array(100), width: 4, height: 25 })).toBeDefined();
    expect(await failure({ data: new Uint8Array(101), width: 101, height: 1 })).toBeInstanceOf(
      ImageError,
    );
    expect(await failure(ndarray(new Uint8Array(110), [11, 10]))).toBeInstanceOf(ImageError);
  });
});

describe('where a string may lead', () => {
  it.each([
    ['https://localhost:1/a.png', 'urls', 'a URL'],
    ['HTTP://localhost:1/a.png', 'urls', 'a URL'],
    ['a.png', 'files', 'a path'],
    ['./https://a.png', 'files', 'a path'],
  ])('%s is one of %s', async (input, source, named) => {
    const sources = (['files', 'urls', 'memory'] as const).filter((each) => each !== source);
    const error = await failure(input, { sources });
    expect(error).toMatchObject({ name: 'InvalidInputError', argument: 'target' });
    expect((error as Error).message).toContain(`is ${named}, and the option sources allows`);
    expect((error as Error).message).toContain(`${sources.join(' and ')} alone`);
    // Where it may lead there, it is not found.
    expect(await failure(input, { sources: [source as 'urls'] })).not.toBeInstanceOf(
      InvalidInputError,
    );
  });

  it('to nowhere, where no source is allowed: what is in memory is read', async () => {
    const error = await failure('a.png', { sources: [] });
    expect((error as Error).message).toContain('allows memory alone');
    expect(await read({ data: [1], width: 1, height: 1 }, { sources: [] })).toBeDefined();
  });

  it('an empty one leads nowhere', async () => {
    expect(await failure('')).toMatchObject({
      name: 'InvalidInputError',
      detail: 'is an empty path.',
    });
  });
});

it('reads nothing for an aborted signal', async () => {
  const signal = AbortSignal.abort();
  expect(await failure({ data: [1], width: 1, height: 1 }, { signal })).toBeInstanceOf(
    AbortedError,
  );
});

it.each([
  ['null', null, 'is null'],
  ['undefined', undefined, 'is undefined'],
  ['a function', () => 1, 'is function'],
  ['a list', [1, 2], 'none of them'],
  ['pixels without data', { width: 1, height: 1 }, 'none of them'],
  ['pixels with data that are null', { data: null, width: 1, height: 1 }, 'none of them'],
  ['pixels without width', { data: [1], height: 1 }, 'none of them'],
  ['pixels without height', { data: [1], width: 1 }, 'none of them'],
  ['a tensor without a type', { shape: [1, 1], data: () => [1] }, 'none of them'],
  ['a tensor without data', { shape: [1, 1], dtype: 'int32', data: 3 }, 'none of them'],
  ['an ndarray without get', { shape: [1, 1], stride: [1, 1], dtype: 'uint8' }, 'none of them'],
])('refuses %s', async (_, input, message) => {
  const error = await failure(input);
  expect(error).toBeInstanceOf(InvalidInputError);
  expect((error as Error).message).toContain(message);
});

describe('which files may have changed colours', () => {
  const pixels = gradient(8, 6);
  it.each([
    ['png', {}, false],
    ['gif', {}, false],
    ['tiff', {}, false],
    ['jpeg', {}, true],
    ['avif', {}, true],
    ['webp', {}, true],
    ['webp', { lossless: true }, false],
  ] as const)('%s %j', async (format, settings, lossy) => {
    const file = await encode(format, pixels, 8, 6, 3, settings);
    expect((await read(file)).lossy).toBe(lossy);
    // As a part of a larger buffer, too.
    const larger = new Uint8Array(file.length + 5);
    larger.set(file, 5);
    expect((await read(larger.subarray(5))).lossy).toBe(lossy);
  });

  it('by the first picture of an animated WebP', async () => {
    const sharp = (await import('sharp')).default;
    const frames = () =>
      sharp(Buffer.concat([pixels, gradient(8, 6).reverse()]), {
        raw: { width: 8, height: 12, channels: 3, pageHeight: 6 },
      });
    expect((await read(await frames().webp().toBuffer())).lossy).toBe(true);
    expect((await read(await frames().webp({ lossless: true }).toBuffer())).lossy).toBe(false);
  });

  it('by the picture behind chunks of odd lengths in a WebP', async () => {
    // RFC 9649: chunks are padded to even lengths; VP8X announces EXIF and ICC chunks, ICC lies before the picture.
    const chunk = (name: string, body: Uint8Array) => {
      const padded = new Uint8Array(8 + body.length + (body.length % 2));
      padded.set(Buffer.from(name));
      new DataView(padded.buffer).setUint32(4, body.length, true);
      padded.set(body, 8);
      return padded;
    };
    const lossless = await encode('webp', pixels, 8, 6, 3, { lossless: true });
    const lossy = await encode('webp', pixels, 8, 6, 3);
    for (const [file, known] of [
      [lossless, false],
      [lossy, true],
    ] as const) {
      const extended = Uint8Array.of(0, 0, 0, 0, 7, 0, 0, 5, 0, 0);
      // Its bytes spell the name of the other kind of picture, which must be skipped.
      const other = Buffer.from(known ? 'xVP8Lxx' : 'xVP8 xx');
      const body = Buffer.concat([
        Buffer.from('WEBP'),
        chunk('VP8X', extended),
        chunk('XTRA', other),
        file.subarray(12),
      ]);
      const bytes = Buffer.concat([Buffer.from('RIFF'), Buffer.alloc(4), body]);
      bytes.writeUInt32LE(body.length, 4);
      expect((await read(bytes)).lossy).toBe(known);
    }
  });
});

describe('levels', () => {
  const levels = async (input: unknown) =>
    [...(await readImage(input as ImageInput, options)).data] as number[];

  it('of floats round to the nearest', async () => {
    const data = Float32Array.of(0, 1, 0.5, 1 / 255, 0.4 / 255, 0.6 / 255);
    expect(await levels({ data, width: 2, height: 1 })).toEqual([0, 255, 128, 1, 0, 1]);
  });

  it.each([
    [Float32Array.of(0, 1.01, 0), 'floating-point pixels are 0 … 1'],
    [Float32Array.of(0, NaN, 0), 'holds the value NaN'],
  ])('may not be %p', async (data, message) => {
    await expect(levels({ data, width: 1, height: 1 })).rejects.toThrow(message);
  });

  it('of a picture that was given are copied: later changes do not reach them', async () => {
    const data = Uint8Array.of(1, 2, 3);
    const { data: copied } = await readImage({ data, width: 1, height: 1 }, options);
    data.fill(9);
    expect([...copied]).toEqual([1, 2, 3]);
  });

  it('of grey are repeated, and of transparent pixels lie over white', async () => {
    expect(await levels({ data: Uint8Array.of(7, 9), width: 1, height: 2 })).toEqual([
      7, 7, 7, 9, 9, 9,
    ]);
    // 255 - (255 - 100) / 5 = 224, and so on.
    const rgba = Uint8Array.of(100, 0, 50, 51, 1, 2, 3, 255);
    expect(await levels({ data: rgba, width: 2, height: 1 })).toEqual([224, 204, 214, 1, 2, 3]);
  });

  it('of what a browser draws are taken as they are', async () => {
    const element = { tagName: 'CANVAS' };
    const drawn = (channels: 1 | 3 | 4, ...data: number[]) => {
      const image = { width: 1, height: 1, channels, data: Uint8Array.from(data) };
      return jest.spyOn(imageCodec, 'draw').mockReturnValueOnce(Promise.resolve(image));
    };
    drawn(4, 1, 2, 3, 255);
    expect(await read(element)).toEqual({
      ...{ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 255) },
      ...{ fractional: false, lossy: false, bytes: true, owned: true },
    });
    drawn(3, 4, 5, 6);
    const image = await readImage(element as unknown as ImageInput, options);
    expect(image).toEqual({ width: 1, height: 1, data: Uint8Array.of(4, 5, 6) });
    drawn(1, 8);
    expect(await levels(element)).toEqual([8, 8, 8]);
    jest.restoreAllMocks();
  });

  it('may be words within the range, with transparency', async () => {
    const data = Uint16Array.of(10, 20, 255, 255, 10, 20, 30, 0);
    expect(await levels({ data, width: 2, height: 1 })).toEqual([10, 20, 255, 255, 255, 255]);
  });
});
