import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { ImageError } from '../../src/base/errors';
import { seededRandom } from '../../src/base/random';
import { pngSamples } from '../../src/images/png-samples';

const u32 = (value: number) => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

function crc(bytes: readonly number[]): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return (rest ^ 0xffffffff) >>> 0;
}

const chunk = (type: string, data: Iterable<number>) => {
  const body = [...Buffer.from(type, 'latin1'), ...data];
  return [...u32(body.length - 4), ...body, ...u32(crc(body))];
};

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly depth: 1 | 2 | 4 | 8;
  readonly indices: readonly number[];
}

/** Rows of packed indices, leftmost pixel in the highest bits. */
function packRows({ width, height, depth, indices }: Picture): number[][] {
  return Array.from({ length: height }, (_, y) => {
    const row = new Array<number>(Math.ceil((width * depth) / 8)).fill(0);
    for (let x = 0; x < width; x++) {
      const [byte, place] = [Math.floor((x * depth) / 8), (x * depth) % 8];
      row[byte] += indices[y * width + x] * 2 ** (8 - depth - place);
    }
    return row;
  });
}

/** What a filter predicts from the bytes left, above and above left (PNG specification, section 9.2). */
const predictions: ((a: number, b: number, c: number) => number)[] = [
  () => 0,
  (a) => a,
  (_, b) => b,
  (a, b) => Math.floor((a + b) / 2),
  (a, b, c) => {
    // The one nearest to a + b - c; of equals a, then b.
    const estimate = a + b - c;
    return [a, b, c].reduce((best, each) =>
      Math.abs(each - estimate) < Math.abs(best - estimate) ? each : best,
    );
  },
];

/** Rows with their filter before them, `filters` in turn. */
function filterRows(rows: readonly number[][], filters: readonly number[]): number[] {
  return rows.flatMap((row, y) => {
    const filter = filters[y % filters.length];
    const above = rows[y - 1] ?? row.map(() => 0);
    return [
      filter,
      ...row.map(
        (value, i) =>
          (value - predictions[filter](row[i - 1] ?? 0, above[i], above[i - 1] ?? 0)) & 255,
      ),
    ];
  });
}

interface FileOptions {
  readonly colorType?: number;
  readonly interlace?: number;
  /** Bytes of pixel data in one IDAT chunk. */
  readonly piece?: number;
  readonly pixels?: readonly number[];
  readonly packed?: Uint8Array;
  /** What its tRNS chunk holds. */
  readonly transparent?: readonly number[];
}

/** Each index has a colour by which it can be told. */
const paletteOf = (size: number) => Array.from({ length: size }, (_, i) => [i, 255 - i, i ^ 90]);

function png(picture: Picture, filters: readonly number[], options: FileOptions = {}): Uint8Array {
  const { width, height, depth } = picture;
  const { colorType = 3, interlace = 0, piece = 1 << 20 } = options;
  const pixels = options.pixels ?? filterRows(packRows(picture), filters);
  const packed = options.packed ?? deflateSync(Uint8Array.from(pixels));
  const pieces = Array.from({ length: Math.ceil(packed.length / piece) }, (_, i) =>
    chunk('IDAT', packed.subarray(i * piece, (i + 1) * piece)),
  );
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk('IHDR', [...u32(width), ...u32(height), depth, colorType, 0, 0, interlace]),
    ...chunk('PLTE', paletteOf(2 ** depth).flat()),
    ...(options.transparent ? chunk('tRNS', options.transparent) : []),
    ...pieces.flat(),
    ...chunk('IEND', []),
  ]);
}

function randomPicture(width: number, height: number, depth: Picture['depth'], seed = 1): Picture {
  const random = seededRandom(seed);
  const indices = Array.from({ length: width * height }, () => Math.floor(random() * 2 ** depth));
  return { width, height, depth, indices };
}

const depths = [1, 2, 4, 8] as const;
const names = ['none', 'sub', 'up', 'average', 'paeth'];
const cases = depths.flatMap((depth) => names.map((name, filter) => ({ depth, name, filter })));

/** As another decoder sees it: the colours of the palette. */
async function checkWithSharp(file: Uint8Array, { indices, depth }: Picture) {
  const { data } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const palette = paletteOf(2 ** depth);
  expect([...data]).toEqual(indices.flatMap((index) => palette[index]));
}

it.each(cases)('undoes filter "$name" at depth $depth', async ({ depth, filter }) => {
  // Every row has the filter, the first, which has nothing above it, too; rows end inside a byte.
  const picture = randomPicture(29, 11, depth);
  const file = png(picture, [filter]);
  await checkWithSharp(file, picture);
  const read = await pngSamples(file, 'x.png');
  expect(read).toMatchObject({ width: 29, height: 11, channels: 1 });
  expect([...(read?.data ?? [])]).toEqual(picture.indices);
});

it.each(depths)('undoes filters that change from row to row at depth %i', async (depth) => {
  const filters = [4, 0, 3, 1, 4, 2, 3, 3, 1, 2, 0, 2, 4, 4, 1];
  const picture = randomPicture(21, 31, depth, 5);
  const file = png(picture, filters);
  await checkWithSharp(file, picture);
  expect([...((await pngSamples(file, 'x.png'))?.data ?? [])]).toEqual(picture.indices);
});

it.each(depths)('reads a column of one pixel at depth %i', async (depth) => {
  for (const filter of names.keys()) {
    const picture = randomPicture(1, 5, depth, 3);
    const read = await pngSamples(png(picture, [filter]), 'x.png');
    expect([...(read?.data ?? [])]).toEqual(picture.indices);
  }
});

it('takes the left or the upper neighbour where the corner is no nearer', async () => {
  // (a, b, c). Left and upper are equally near only if they are equal, or if the corner is exact.
  for (const [a, b, c] of [
    [10, 30, 20],
    [40, 10, 30],
    [10, 40, 30],
    [10, 20, 20],
    [20, 10, 20],
    [7, 7, 7],
  ]) {
    const picture: Picture = { width: 2, height: 2, depth: 8, indices: [c, b, a, 99] };
    const file = png(picture, [0, 4]);
    await checkWithSharp(file, picture);
    expect([...((await pngSamples(file, 'x.png'))?.data ?? [])]).toEqual([c, b, a, 99]);
  }
});

it('joins pixel data from many chunks', async () => {
  const picture = randomPicture(40, 20, 4);
  const read = await pngSamples(png(picture, [4, 3, 2], { piece: 7 }), 'x.png');
  expect([...(read?.data ?? [])]).toEqual(picture.indices);
});

it('reads a file inside a larger buffer', async () => {
  const picture = randomPicture(9, 4, 2);
  const file = png(picture, [1]);
  const padded = new Uint8Array(file.length + 9);
  padded.set(file, 5);
  const read = await pngSamples(padded.subarray(5, 5 + file.length), 'x.png');
  expect([...(read?.data ?? [])]).toEqual(picture.indices);
});

it('stops at the end of the picture, whatever follows', async () => {
  const picture = randomPicture(9, 4, 2);
  const file = png(picture, [1]);
  const followed = Uint8Array.from([...file, 255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...((await pngSamples(followed, 'x.png'))?.data ?? [])]).toEqual(picture.indices);
  // So do rows past the last.
  const rows = filterRows(packRows(picture), [1]);
  const longer = png(picture, [], { pixels: [...rows, 1, 2, 3, 4] });
  expect([...((await pngSamples(longer, 'x.png'))?.data ?? [])]).toEqual(picture.indices);
});

it('leaves other files to others', async () => {
  const picture = randomPicture(9, 4, 8);
  const file = png(picture, [0]);
  expect(await pngSamples(png(picture, [0], { colorType: 5 }), 'x.png')).toBeNull();
  expect(await pngSamples(png(picture, [0], { interlace: 2 }), 'x.png')).toBeNull();
  expect(await pngSamples(file.subarray(0, 32), 'x.png')).toBeNull();
  for (let i = 0; i < 8; i++) {
    const other = Uint8Array.from(file);
    other[i] ^= 1;
    expect(await pngSamples(other, 'x.png')).toBeNull();
  }
});

describe('as another decoder reads it', () => {
  const values = (count: number, most: number) => {
    const random = seededRandom(7);
    return Array.from({ length: count }, () => Math.floor(random() * (most + 1)));
  };
  it.each([1, 2, 3, 4] as const)('%i channels of 8 bits', async (channels) => {
    const data = Uint8Array.from(values(23 * 9 * channels, 255));
    const raw = { width: 23, height: 9, channels };
    for (const progressive of [false, true]) {
      const file = await sharp(data, { raw })
        .toColourspace(channels < 3 ? 'b-w' : 'srgb')
        .png({ progressive, palette: false, adaptiveFiltering: true })
        .toBuffer();
      const read = await pngSamples(file, 'x.png');
      expect(read).toMatchObject({ width: 23, height: 9, channels, bits: 8 });
      expect([...(read?.data ?? [])]).toEqual([...data]);
    }
  });

  it.each([1, 3] as const)('%i channels of 16 bits', async (channels) => {
    const data = Uint16Array.from(values(13 * 9 * channels, 65535));
    for (const progressive of [false, true]) {
      const file = await sharp(data, { raw: { width: 13, height: 9, channels } })
        .toColourspace(channels === 1 ? 'grey16' : 'rgb16')
        .png({ progressive })
        .toBuffer();
      const read = await pngSamples(file, 'x.png');
      expect(read).toMatchObject({ channels, bits: 16 });
      expect([...(read?.data ?? [])]).toEqual([...data]);
    }
  });

  it('an interlaced palette, at every size that a pass may be empty in', async () => {
    for (let width = 1; width <= 9; width++) {
      for (let height = 1; height <= 9; height++) {
        const indices = values(width * height, 15);
        const rgb = Uint8Array.from(indices.flatMap((i) => [i * 16, 255 - i * 16, 7]));
        const file = await sharp(rgb, { raw: { width, height, channels: 3 } })
          .png({ palette: true, progressive: true, dither: 0 })
          .toBuffer();
        const read = await pngSamples(file, 'x.png');
        const palette = read?.palette ?? [];
        const colors = [...(read?.data ?? [])].flatMap((i) => [...palette.slice(i * 4, i * 4 + 3)]);
        expect(colors).toEqual([...(await sharp(file).removeAlpha().raw().toBuffer())]);
      }
    }
  });
});

it('gives grey of 2 and 4 bits as levels, of 1 bit as 0 and 1', async () => {
  const grey = async (depth: 1 | 2 | 4, indices: number[]) => {
    const picture = { width: indices.length, height: 1, depth, indices };
    return [...((await pngSamples(png(picture, [0], { colorType: 0 }), 'x.png'))?.data ?? [])];
  };
  expect(await grey(1, [0, 1, 1])).toEqual([0, 1, 1]);
  expect(await grey(2, [0, 1, 2, 3])).toEqual([0, 85, 170, 255]);
  expect(await grey(4, [0, 1, 15])).toEqual([0, 17, 255]);
});

it('knows the transparent colour and the transparent entries of a palette', async () => {
  const picture: Picture = { width: 4, height: 1, depth: 8, indices: [0, 7, 9, 7] };
  const grey = await pngSamples(png(picture, [0], { colorType: 0, transparent: [0, 7] }), 'x.png');
  expect(grey).toMatchObject({ channels: 2 });
  expect([...(grey?.data ?? [])]).toEqual([0, 255, 7, 0, 9, 255, 7, 0]);
  const palette = await pngSamples(png(picture, [0], { transparent: [255, 0, 128] }), 'x.png');
  expect([3, 7, 11, 15].map((at) => palette?.palette?.[at])).toEqual([255, 0, 128, 255]);
});

describe('refuses', () => {
  const picture = randomPicture(9, 4, 8);
  const rows = filterRows(packRows(picture), [0]);
  const file = png(picture, [0]);
  const damaged = deflateSync(Uint8Array.from(rows));
  damaged.fill(0xff, 2, 12);
  it.each<[string, Uint8Array, RegExp]>([
    ['a file cut short', file.subarray(0, file.length - 20), /^x.png is truncated\.$/],
    [
      'too few pixels',
      png(picture, [], { pixels: rows.slice(0, -1) }),
      /^x.png is truncated: it has 39 of 40 bytes of pixels/,
    ],
    ['damaged pixels', png(picture, [0], { packed: damaged }), /^x.png holds damaged pixel data/],
  ])('%s', async (_, bytes, message) => {
    const failure = await pngSamples(bytes, 'x.png').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ImageError);
    expect((failure as Error).message).toMatch(message);
  });
});
