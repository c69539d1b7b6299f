import { InvalidInputError } from '../../src/base/errors';
import type { ColorTable } from '../../src/masks/label-space';
import { checkNotEmpty, readMask } from '../../src/masks/read-mask';

type Rgb = readonly [number, number, number];
const options = { argument: 'mask', limits: { maxPixels: 1_000_000 } };

/** Labels of a row of colours, each as often as said. */
async function read(
  runs: readonly (readonly [color: Rgb, count: number])[],
  tolerance?: number,
  table: ColorTable = new Map(),
) {
  const data = runs.flatMap(([color, count]) => Array.from({ length: count }, () => color).flat());
  const input = { data, width: data.length / 3, height: 1 };
  const mask = await readMask(input, { ...options, tolerance }, table);
  let at = 0;
  return runs.map(([, count]) => {
    const labels = [...mask.data.subarray(at, (at += count))];
    expect(new Set(labels).size).toBe(1);
    return labels[0];
  });
}
const packed = ([red, green, blue]: Rgb) => red * 65536 + green * 256 + blue;

it('joins colours to the most frequent one near them', async () => {
  // In a chain 100, 110, 120, 130 of a tolerance of 10, whoever leads takes the next ones only.
  const chain = (...counts: number[]) =>
    read(
      counts.map((count, i) => [[100 + 10 * i, 0, 0], count]),
      10,
    );
  expect(await chain(1, 9, 2, 1)).toEqual([1, 1, 1, 2]);
  expect(await chain(1, 2, 9, 1)).toEqual([1, 2, 2, 2]);
  expect(await chain(9, 2, 1, 8)).toEqual([1, 1, 2, 2]);
});

it('joins a colour between two leaders to the more frequent', async () => {
  const between = (left: number, right: number) =>
    read(
      [
        [[100, 0, 0], left],
        [[110, 0, 0], 1],
        [[120, 0, 0], right],
      ],
      10,
    );
  expect(await between(9, 5)).toEqual([1, 1, 2]);
  expect(await between(5, 9)).toEqual([1, 2, 2]);
});

it('remembers the colour of the most frequent, wherever it first appears', async () => {
  const table: ColorTable = new Map();
  const [dark, light]: Rgb[] = [
    [200, 0, 0],
    [210, 0, 0],
  ];
  expect(
    await read(
      [
        [dark, 1],
        [light, 5],
        [dark, 2],
      ],
      16,
      table,
    ),
  ).toEqual([1, 1, 1]);
  expect([...table]).toEqual([[packed(light), 1]]);
});

it('counts a colour over all of its runs', async () => {
  const table: ColorTable = new Map();
  const [a, b]: Rgb[] = [
    [50, 60, 70],
    [50, 60, 75],
  ];
  expect(
    await read(
      [
        [a, 2],
        [b, 3],
        [a, 2],
      ],
      8,
      table,
    ),
  ).toEqual([1, 1, 1]);
  expect([...table.keys()]).toEqual([packed(a)]);
});

it.each<[string, Rgb, number]>([
  ['red', [103, 90, 80], 3],
  ['green', [100, 93, 80], 3],
  ['blue', [100, 90, 83], 3],
  ['less red', [97, 90, 80], 3],
  ['less green', [100, 87, 80], 3],
  ['less blue', [100, 90, 77], 3],
  ['red and green', [103, 94, 80], 5],
  ['green and blue', [100, 86, 83], 5],
  ['red and blue', [96, 90, 83], 5],
  ['all three', [102, 93, 86], 7],
])('measures the distance in %s', async (_, color, distance) => {
  const pair = (tolerance: number) =>
    read(
      [
        [[100, 90, 80], 3],
        [color, 2],
      ],
      tolerance,
    );
  expect(await pair(distance)).toEqual([1, 1]);
  expect(await pair(distance - 0.01)).toEqual([1, 2]);
});

it('measures green and blue apart from the bytes beside them', async () => {
  // 0x00ff00 and 0x0000ff, 0xff0000 and 0x00ff00: as far as colours go.
  expect(
    await read(
      [
        [[0, 255, 0], 2],
        [[0, 0, 255], 1],
      ],
      360,
    ),
  ).toEqual([0, 0]);
  expect(
    await read(
      [
        [[0, 255, 0], 2],
        [[0, 0, 255], 1],
      ],
      250,
    ),
  ).toEqual([1, 2]);
  expect(
    await read(
      [
        [[255, 0, 0], 2],
        [[255, 255, 0], 1],
      ],
      254,
    ),
  ).toEqual([1, 2]);
});

it('joins no colours without a tolerance', async () => {
  expect(
    await read([
      [[10, 10, 10], 5],
      [[10, 10, 11], 1],
    ]),
  ).toEqual([1, 2]);
});

it('lets black lead, however rare it is', async () => {
  expect(
    await read(
      [
        [[9, 0, 0], 50],
        [[0, 0, 0], 1],
        [[40, 0, 0], 1],
      ],
      10,
    ),
  ).toEqual([0, 0, 1]);
  expect(
    await read(
      [
        [[0, 0, 9], 50],
        [[40, 0, 0], 1],
      ],
      10,
    ),
  ).toEqual([0, 1]);
});

it('lets colours of earlier masks lead', async () => {
  const table: ColorTable = new Map();
  await read(
    [
      [[100, 0, 0], 1],
      [[0, 100, 0], 1],
    ],
    10,
    table,
  );
  expect(
    await read(
      [
        [[0, 108, 0], 90],
        [[92, 0, 0], 90],
        [[92, 20, 0], 1],
      ],
      10,
      table,
    ),
  ).toEqual([2, 1, 3]);
  expect([...table]).toEqual([
    [packed([100, 0, 0]), 1],
    [packed([0, 100, 0]), 2],
    [packed([92, 20, 0]), 3],
  ]);
});

it('gives labels in the order in which colours appear, not by how frequent they are', async () => {
  const table: ColorTable = new Map();
  expect(
    await read(
      [
        [[1, 2, 3], 1],
        [[0, 0, 0], 2],
        [[4, 5, 6], 9],
        [[1, 2, 3], 1],
      ],
      undefined,
      table,
    ),
  ).toEqual([1, 0, 2, 1]);
  expect([...table]).toEqual([
    [0x010203, 1],
    [0x040506, 2],
  ]);
});

it('takes pixels of half opacity and more', async () => {
  const alphas = [0, 127, 128, 255];
  const data = Uint8Array.from(alphas.flatMap((alpha) => [10, 20, 30, alpha]));
  const table: ColorTable = new Map();
  const mask = await readMask({ data, width: 4, height: 1 }, options, table);
  expect([...mask.data]).toEqual([0, 0, 1, 1]);
  expect([...table.keys()]).toEqual([0x0a141e]);
});

describe('takes 255 colours and labels, and no more', () => {
  const colors = (count: number, blue = 0): (readonly [Rgb, number])[] =>
    Array.from({ length: count }, (_, i) => [
      [i + 1 > 255 ? 255 : i + 1, i + 1 > 255 ? 9 : 0, blue],
      1,
    ]);
  it('in one mask', async () => {
    expect(await read(colors(255))).toEqual(Array.from({ length: 255 }, (_, i) => i + 1));
    await expect(read(colors(256))).rejects.toThrow(/mask: has more than 255 distinct colours/);
  });
  it('in several', async () => {
    const table: ColorTable = new Map();
    await read(colors(200), undefined, table);
    expect(await read(colors(55, 1), undefined, table)).toEqual(
      Array.from({ length: 55 }, (_, i) => 201 + i),
    );
    await expect(read(colors(56, 1), undefined, table)).rejects.toThrow(InvalidInputError);
  });
  it('as labels', async () => {
    const one = (label: number) =>
      readMask({ data: [label], width: 1, height: 1 }, options, new Map());
    const two = { data: [255, 254], width: 2, height: 1 };
    expect([...(await readMask(two, options, new Map())).data]).toEqual([255, 254]);
    await expect(one(256)).rejects.toThrow(/holds the label 256/);
  });
});

it('takes a tolerance of 0 or more', async () => {
  await expect(read([[[1, 1, 1], 1]], -1)).rejects.toThrow(
    /^tolerance: must be a distance of 0 or more/,
  );
  await expect(read([[[1, 1, 1], 1]], NaN)).rejects.toThrow(/is NaN/);
  await expect(read([[[1, 1, 1], 1]], 0)).resolves.toEqual([1]);
});

it('knows an empty mask', () => {
  const map = (...data: number[]) => ({
    width: data.length,
    height: 1,
    data: Uint8Array.from(data),
  });
  expect(() => checkNotEmpty(map(0, 0), 'prompts[0].mask')).toThrow(/^prompts\[0\].mask: is empty/);
  expect(() => checkNotEmpty(map(0, 7), 'mask')).not.toThrow();
});
