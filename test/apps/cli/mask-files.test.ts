/** What `--prompt IMAGE MASK` reads that is not one mask in one picture. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { asPrompts, expandPrompts } from '../../../src/apps/cli/prompt-pairs';
import { readPrompts } from '../../../src/tasks/in-context/prompts';
import type { MaskPrompt } from '../../../src/index';

const [width, height] = [12, 8];
let root: string;
let image: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seggpt-masks-'));
  await mkdir(join(root, 'images'));
  image = join(root, 'images/a.png');
  await sharp({ create: { width, height, channels: 3, background: '#808080' } }).toFile(image);
});
afterEach(() => rm(root, { recursive: true }));

/** A mask with a white rectangle from column `left` on. */
async function mask(name: string, left: number): Promise<string> {
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    i % width >= left && i % width < left + 3 ? 255 : 0,
  );
  const path = join(root, name);
  await sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .toFile(path);
  return path;
}

async function read(given: string) {
  const pairs = await expandPrompts([{ image, mask: given }], () => undefined);
  const { prompts, labels, names } = await readPrompts(asPrompts(pairs) as MaskPrompt[], {});
  const row = Array.from(prompts[0].mask.data.subarray(0, width));
  return { labels, names, row };
}

it('several masks joined by + are labels in their order', async () => {
  const [cup, spoon] = [await mask('cup.png', 1), await mask('spoon.png', 6)];
  const { labels, row } = await read(`${spoon}+${cup}`);
  expect(labels).toEqual([1, 2]);
  expect(row).toEqual([0, 2, 2, 2, 0, 0, 1, 1, 1, 0, 0, 0]);
});

it('a file with a + in its name is that file', async () => {
  const { labels, row } = await read(await mask('cup+spoon.png', 2));
  expect(labels).toEqual([1]);
  expect(row.filter((label) => label === 1)).toHaveLength(3);
});

it('masks that are not there are named', async () => {
  const cup = await mask('cup.png', 1);
  const gone = join(root, 'gone.png');
  await expect(read(`${cup}+${gone}`)).rejects.toThrow(
    `of the masks "${cup}+${gone}", which "+" joins, "${gone}" is not there`,
  );
});

it('a text file of YOLO has its class names from the data.yaml above', async () => {
  await mkdir(join(root, 'labels'));
  await writeFile(join(root, 'data.yaml'), 'names: [cup, spoon]\n');
  const text = join(root, 'labels/a.txt');
  await writeFile(text, '1 0.5 0 1 0 1 1 0.5 1\n');
  const { labels, names, row } = await read(text);
  expect(labels).toEqual([2]);
  expect(names).toEqual(['spoon']);
  expect(row).toEqual([0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2]);
});

it.each(['deflate', 'lzw'] as const)(
  'a label TIFF packed by %s has its numbers as labels',
  async (compression) => {
    const data = Uint8Array.from({ length: width * height }, (_, i) => (i % width < 3 ? 7 : 0));
    const path = join(root, 'labels.tif');
    await sharp(data, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .tiff({ compression })
      .toFile(path);
    const { labels, row } = await read(path);
    expect(labels).toEqual([7]);
    expect(row).toEqual([7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  },
);

it('text files that are not there are told', async () => {
  await expect(read(join(root, 'none.txt'))).rejects.toThrow(/none.txt" cannot be read/);
});

it.each([
  'https://example.org/a+b.png',
  'http://example.org/labels.tif',
  'data:image/png;base64,iVBO+w==',
])('leaves %s to the library', async (url) => {
  expect(await expandPrompts([{ image, mask: url }], () => undefined)).toEqual([
    { image, mask: url },
  ]);
});
