/** Masks of different kinds share labels, or are refused. */
import { readPrompts } from '../../src/entries/masks';
import type { ImageInput } from '../../src/images/image-input';
import { fixture } from '../helpers/fixture';

const folder = 'masks/mixed-mask-kinds';
const image = fixture(`${folder}/image.jpg`);
const labelsOf = async (...masks: ImageInput[]) => {
  const given = masks.map((mask) =>
    typeof mask === 'string' ? fixture(`${folder}/${mask}`) : mask,
  );
  const set = await readPrompts(given.map((mask) => ({ image, mask })));
  // Every mask shows the same marks, so each label has one place.
  const places = set.labels.map((label) => set.prompts.map(({ mask }) => mask.data.indexOf(label)));
  return { labels: set.labels, places, names: set.names };
};

it.each([
  [
    ['mask-palette-1-15.png', 'mask-palette-1-15-interlaced.png'],
    [1, 15],
  ],
  [
    ['mask-palette-1-15.png', 'mask-same-colours-rgb.png'],
    [1, 15],
  ],
  [
    ['mask-same-colours-rgb.png', 'mask-palette-1-15.png'],
    [1, 15],
  ],
  [['mask-0-1.png', 'mask-0-255.png'], [1]],
  [['mask-0-255.png', 'mask-0-1.png'], [1]],
])('%j agree', async (masks, wanted) => {
  const { labels, places } = await labelsOf(...masks);
  expect(labels).toEqual(wanted);
  for (const [first, second] of places) expect(second).toBe(first);
});

it('gives a lone colour the label that the palette gives it', async () => {
  const { labels, places } = await labelsOf('mask-palette-1-15.png', 'mask-15-only-rgb.png');
  expect(labels).toEqual([1, 15]);
  expect(places[0][1]).toBe(-1); // the disc is not in the second
  expect(places[1][1]).toBe(places[1][0]);
});

const [width, height] = [160, 120];
const map = (...labels: number[]) => ({
  width,
  height,
  data: Uint8Array.from(
    { length: width * height },
    (_, i) => labels[Math.floor((i / width) % labels.length)],
  ),
});
const rgb = (...colors: number[]) => ({
  width,
  height,
  data: map(...colors.keys()).data.reduce<number[]>((all, i) => {
    all.push(colors[i] >> 16, (colors[i] >> 8) & 255, colors[i] & 255);
    return all;
  }, []),
});

it('black and white is the only label there is', async () => {
  expect((await labelsOf(map(0, 255), map(0, 1), rgb(0, 0xffffff))).labels).toEqual([1]);
  expect((await labelsOf(map(0, 255), rgb(0, 0xffffff))).labels).toEqual([1]);
});

it('white is 255 where other masks show that beside labels', async () => {
  expect((await labelsOf(map(0, 230, 255), map(0, 255))).labels).toEqual([230, 255]);
});

it.each<[string, ImageInput[], RegExp]>([
  [
    'black and white beside several labels',
    [map(0, 1, 2), map(0, 255)],
    /^prompts\[1\]\.mask: .*is black and white, while "prompts\[0\]\.mask" holds the labels 1, 2: which/,
  ],
  [
    'colours beside grey labels',
    [map(0, 1, 2), rgb(0, 0xff0000)],
    /^prompts\[1\]\.mask: .*marks by colours, and "prompts\[0\]\.mask" by numbers.*Save both/,
  ],
  [
    'a colour that is in no palette',
    ['mask-palette-1-15.png', rgb(0, 0x00ff00)],
    /colour #00ff00, which the palette of ".*mask-palette-1-15\.png" does not have.*Save both/,
  ],
])('refuses %s, naming both', async (_, masks, message) => {
  await expect(labelsOf(...masks)).rejects.toThrow(message);
});

it('says of an empty mask that it is empty, whatever is beside it', async () => {
  await expect(labelsOf(map(0, 1, 2), map(0))).rejects.toThrow(/^prompts\[1\]\.mask: is empty/);
});

it('adds masks to prompts by what labels mean there', async () => {
  const prompt = (mask: ImageInput) => [{ image, mask }];
  const colored = await readPrompts(prompt(rgb(0, 0xff0000, 0x00ff00)));
  const labels = async (mask: ImageInput, known = colored) =>
    (await readPrompts(prompt(mask), {}, known)).labels;
  expect(await labels(rgb(0, 0x00ff00))).toEqual([2]);
  expect(await labels(map(0, 2))).toEqual([2]); // plain numbers are the labels that results have
  await expect(labels(map(0, 255))).rejects.toThrow(/the prompts show the labels 1, 2: which/);
  const numbered = await readPrompts(prompt(map(0, 7)));
  expect(await labels(map(0, 255), numbered)).toEqual([7]);
});
