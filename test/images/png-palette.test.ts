import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { ImageError } from '../../src/base/errors';
import { seededRandom } from '../../src/base/random';
import { indexedPng } from '../../src/images/png-palette';

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
  const read = await indexedPng(file, 'x.png');
  expect(read).toMatchObject({ width: 29, height: 11, channels: 1 });
  expect([...(read?.data ?? [])]).toEqual(picture.indices);
});

it.each(depths)('undoes filters that change from row to row at depth %i', async (depth) => {
  const filters = [4, 0, 3, 1, 4, 2, 3, 3, 1, 2, 0, 2, 4, 4, 1];
  const picture = randomPicture(21, 31, depth, 5);
  const file = png(picture, filters);
  await checkWithSharp(file, picture);
  expect([...((await indexedPng(file, 'x.png'))?.data ?? [])]).toEqual(picture.indices);
});

it.each(depths)('reads a column of one pixel at depth %i', async (depth) => {
  for (const filter of names.keys()) {
    const picture = randomPicture(1, 5, depth, 3);
    const read = await indexedPng(png(picture, [filter]), 'x.png');
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
    expect([...((await indexedPng(file, 'x.png'))?.data ?? [])]).toEqual([c, b, a, 99]);
  }
});

it('joins pixel data from many chunks', async () => {
  const picture = randomPicture(40, 20, 4);
  const read = await indexedPng(png(picture, [4, 3, 2], { piece: 7 }), 'x.png');
  expect([...(read?.data ?? [])]).toEqual(picture.indices);
});

it('reads a file inside a larger buffer', async () => {
  const picture = randomPicture(9, 4, 2);
  const file = png(picture, [1]);
  const padded = new Uint8Array(file.length + 9);
  padded.set(file, 5);
  const read = await indexedPng(padded.subarray(5, 5 + file.length), 'x.png');
  expect([...(read?.data ?? [])]).toEqual(picture.indices);
});

it('stops at the end of the picture, whatever follows', async () => {
  const picture = randomPicture(9, 4, 2);
  const file = png(picture, [1]);
  const followed = Uint8Array.from([...file, 255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...((await indexedPng(followed, 'x.png'))?.data ?? [])]).toEqual(picture.indices);
  // So do rows past the last.
  const rows = filterRows(packRows(picture), [1]);
  const longer = png(picture, [], { pixels: [...rows, 1, 2, 3, 4] });
  expect([...((await indexedPng(longer, 'x.png'))?.data ?? [])]).toEqual(picture.indices);
});

it('leaves other pictures to others', async () => {
  const picture = randomPicture(9, 4, 8);
  const file = png(picture, [0]);
  expect(await indexedPng(png(picture, [0], { colorType: 0 }), 'x.png')).toBeNull();
  expect(await indexedPng(png(picture, [0], { interlace: 1 }), 'x.png')).toBeNull();
  expect(await indexedPng(file.subarray(0, 32), 'x.png')).toBeNull();
  for (let i = 0; i < 8; i++) {
    const other = Uint8Array.from(file);
    other[i] ^= 1;
    expect(await indexedPng(other, 'x.png')).toBeNull();
  }
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
    const failure = await indexedPng(bytes, 'x.png').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ImageError);
    expect((failure as Error).message).toMatch(message);
  });
});
