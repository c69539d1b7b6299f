import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { crop, type Region } from '../images/crop';
import { defaultLimits } from '../images/decode-limits';
import { readImage, type RgbImage } from '../images/rgb-image';
import type { LabelMap } from '../masks/label-map';
import { readMask } from '../masks/read-mask';
import { frameStore } from '../video/frame-store';
import type { Example } from './example';

/** Label of pixels that do not count. */
const IGNORE = 255;
/** True labels are taken to the letter: nothing is joined, and what does not count is found here. */
const ASKED = { ignore: 0, tolerance: 0 };
/** Least share of a picture that a label must cover to be asked for. */
const LEAST_SHARE = 0.005;

export interface Labelled {
  readonly image: RgbImage;
  readonly labels: LabelMap;
}

/** One label of prompts and target. */
export interface Episode {
  readonly prompts: readonly Example[];
  readonly target: Example;
}

/** Paths of the pictures `NAME.jpg` of a folder that have labels `NAME.png`, in the order of their names. */
export async function pairsIn(
  folder: string,
): Promise<{ readonly image: string; readonly labels: string }[]> {
  const pairs = [];
  for (const image of await frameStore.list(folder).catch(() => [])) {
    const labels = join(folder, basename(image).replace(/\.jpe?g$/i, '.png'));
    if (labels !== image && (await stat(labels).catch(() => null))) pairs.push({ image, labels });
  }
  return pairs;
}

/** Reads the pictures of a folder that have labels. @throws ImageError, InvalidInputError for one that cannot be read. */
export async function readPictures(folder: string): Promise<Labelled[]> {
  const pictures: Labelled[] = [];
  for (const pair of await pairsIn(folder)) {
    const image = await readImage(pair.image, { argument: pair.image, limits: defaultLimits });
    const labels = await readMask(pair.labels, {
      argument: pair.labels,
      limits: defaultLimits,
      ...ASKED,
    });
    pictures.push({ image, labels });
  }
  return pictures;
}

/** One label of a picture. */
export function objectOf({ image, labels }: Labelled, label: number): Example {
  const { width, height, data } = labels;
  return {
    image,
    mask: { width, height, data: data.map((each) => (each === label ? 1 : 0)) },
    ignore: data.map((each) => (each === IGNORE ? 1 : 0)),
  };
}

/** Labels that cover enough of a picture to be asked for. */
export function askable({ labels: { data } }: Labelled): number[] {
  const counts = new Uint32Array(256);
  for (const label of data) counts[label]++;
  return Array.from(counts.keys()).filter(
    (label) => label > 0 && label !== IGNORE && counts[label] >= LEAST_SHARE * data.length,
  );
}

/** Prompt and target: crops of one picture of at least 70% a side, each flipped or not; `null` if they share no label. */
export function twoViews(pictures: readonly Labelled[], random: () => number): Episode | null {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)];
  for (let attempt = 0; attempt < 20; attempt++) {
    const picture = pick(pictures);
    const [prompt, target] = [view(picture, random), view(picture, random)];
    const shared = askable(prompt).filter((label) => askable(target).includes(label));
    if (shared.length === 0) continue;
    const label = pick(shared);
    return { prompts: [objectOf(prompt, label)], target: objectOf(target, label) };
  }
  return null;
}

function view({ image, labels }: Labelled, random: () => number): Labelled {
  const scale = 0.7 + 0.3 * random();
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  const region: Region = [
    Math.floor(random() * (image.width - width)),
    Math.floor(random() * (image.height - height)),
    width,
    height,
  ];
  const flipped = random() < 0.5;
  const turn = (data: Uint8Array, channels: number) =>
    flipped ? flip(data, width, channels) : data;
  return {
    image: { width, height, data: turn(crop(image.data, image.width, 3, region), 3) },
    labels: { width, height, data: turn(crop(labels.data, labels.width, 1, region), 1) },
  };
}

function flip(data: Uint8Array, width: number, channels: number): Uint8Array {
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length / channels; i++) {
    const mirrored = i - (i % width) + (width - 1 - (i % width));
    for (let c = 0; c < channels; c++) result[mirrored * channels + c] = data[i * channels + c];
  }
  return result;
}

/** For each label that enough pictures share: episodes of distinct pictures. */
export function differentPictures(
  pictures: readonly Labelled[],
  { shots, episodes }: { readonly shots: number; readonly episodes: number },
  random: () => number,
): Episode[] {
  const byLabel = new Map<number, Labelled[]>();
  for (const picture of pictures) {
    for (const label of askable(picture))
      byLabel.set(label, [...(byLabel.get(label) ?? []), picture]);
  }
  const drawn: Episode[] = [];
  for (const [label, showing] of [...byLabel].sort(([a], [b]) => a - b)) {
    if (showing.length < shots + 1) continue;
    for (let i = 0; i < episodes; i++) {
      const rest = [...showing];
      const take = () => objectOf(rest.splice(Math.floor(random() * rest.length), 1)[0], label);
      drawn.push({ target: take(), prompts: Array.from({ length: shots }, take) });
    }
  }
  return drawn;
}
