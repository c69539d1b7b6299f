import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { seededRandom } from '../colors/random';
import { InvalidInputError, throwIfAborted } from '../errors';
import { crop, type Region } from '../images/crop';
import { defaultLimits } from '../images/decode-limits';
import { readImage, type RgbImage } from '../images/rgb-image';
import type { LabelMap } from '../masks/label-map';
import { readMask } from '../masks/read-mask';
import type { SegmentationResult } from '../result';
import type { InContextSegmenter } from '../segmenter';
import { listImages } from '../video/node-frames';
import type { Example } from './example';
import { copiedMask, nearestColor } from './baselines';
import { regionSimilarity } from './davis';
import type { GrabCut } from './grab-cut';

/** Label of pixels that do not count. */
const IGNORE = 255;
/** Least share of a picture that a label must cover to be asked for. */
const LEAST_SHARE = 0.005;

export interface ImageEvaluationOptions {
  /** Prompts in each episode of different pictures, at least 1; views of one picture have one. @default 1 */
  readonly shots: number;
  /** Episodes for each label of a data set, and for each data set of views; at least 1. @default 20 */
  readonly episodes: number;
  readonly seed: number;
  /** Side of the square pictures are squeezed to. @default what the model asks for */
  readonly resolution?: number;
  /** A second model, or the same at another precision, for the same episodes. */
  readonly against?: InContextSegmenter;
  /** A third way to do without a model; the copied mask is its guess. */
  readonly grabCut?: GrabCut;
  readonly signal?: AbortSignal;
  /** Told of each data set that is done. */
  readonly onEpisode?: (text: string) => void;
}

export interface ImageScore {
  /** `same`: two views of one picture; `different`: two pictures that share a label. */
  readonly protocol: 'same' | 'different';
  readonly dataset: string;
  readonly episodes: number;
  /** Mean IoU of the model, of the prompt's mask copied, and of the nearest pixel in colour and position. */
  readonly model: number;
  readonly copy: number;
  readonly nearest: number;
  /** With several `shots`: mean IoU of the model with the first prompt alone. */
  readonly firstPrompt?: number;
  /** With `grabCut`: mean IoU of the copied mask after it. */
  readonly grabCut?: number;
  /** With `against`: what it reaches, and how far apart both paint, on average, in steps of 255. */
  readonly against?: number;
  readonly difference?: number;
}

interface Labelled {
  readonly image: RgbImage;
  readonly labels: LabelMap;
}

/**
 * Mean IoU by data set on episodes drawn with a fixed seed, beside what one could do without a model.
 *
 * @param directory one folder for each data set with NAME.jpg and NAME.png (8-bit labels, 255 = ignore);
 *   an `index.json` may say by `datasets.NAME.correspondence` where labels mean the same in every picture
 *   (`class`), and where they do not (`local`, `instance`), so that only views of one picture are compared.
 * @throws InvalidInputError if no such folder has anything to ask for.
 */
export async function evaluateImages(
  segmenter: InContextSegmenter,
  directory: string,
  options: ImageEvaluationOptions,
): Promise<ImageScore[]> {
  const index = JSON.parse(
    await readFile(join(directory, 'index.json'), 'utf8').catch(() => '{}'),
  ) as {
    datasets?: Record<string, { correspondence?: string }>;
  };
  const scores: ImageScore[] = [];
  for (const dataset of (await readdir(directory).catch(() => [])).sort()) {
    const folder = join(directory, dataset);
    if (!(await stat(folder)).isDirectory()) continue;
    const pictures = await readPictures(folder);
    if (pictures.length < options.shots + 1) continue;
    const random = seededRandom(options.seed);
    const correspondence = index.datasets?.[dataset]?.correspondence ?? 'class';
    const same = Array.from({ length: options.episodes }, () => twoViews(pictures, random)).filter(
      (each) => each !== null,
    );
    // Where no label covers enough of a picture there is nothing to ask for, and no mean.
    if (same.length > 0) scores.push(await score(segmenter, 'same', dataset, same, options));
    if (correspondence === 'class') {
      const different = differentPictures(pictures, options, random);
      if (different.length > 0)
        scores.push(await score(segmenter, 'different', dataset, different, options));
    }
    options.onEpisode?.(`${dataset} done`);
  }
  if (scores.length === 0) {
    throw new InvalidInputError(
      'directory',
      `"${directory}" holds no folders of at least ${options.shots + 1} pictures NAME.jpg whose NAME.png shows a label.`,
    );
  }
  return [...scores, ...means(scores)];
}

interface Episode {
  readonly prompts: readonly Example[];
  readonly target: Example;
}

type Measure = 'model' | 'copy' | 'nearest' | 'firstPrompt' | 'grabCut' | 'against' | 'difference';

async function score(
  segmenter: InContextSegmenter,
  protocol: ImageScore['protocol'],
  dataset: string,
  episodes: readonly Episode[],
  { signal, resolution, against, grabCut }: ImageEvaluationOptions,
): Promise<ImageScore> {
  const measured: Partial<Record<Measure, number>>[] = [];
  for (const { prompts, target } of episodes) {
    throwIfAborted(signal);
    const options = { signal, resolution };
    const result = await segmenter.segment(prompts, target.image, options);
    const first =
      prompts.length > 1
        ? await segmenter.segment(prompts.slice(0, 1), target.image, options)
        : undefined;
    const other = await against?.segment(prompts, target.image, options);
    const iou = (found: Uint8Array) => regionSimilarity(found, target.mask.data, target.ignore);
    const copied = copiedMask(prompts[0].mask, target.image);
    measured.push({
      model: iou(result.labels.data),
      copy: iou(copied),
      nearest: iou(nearestColor(prompts[0], target.image)),
      ...(first && { firstPrompt: iou(first.labels.data) }),
      ...(grabCut && { grabCut: iou(grabCut(copied, target.image)) }),
      ...(other && {
        against: iou(other.labels.data),
        difference: colorDifference(result, other),
      }),
    });
  }
  return { protocol, dataset, episodes: episodes.length, ...meanOf(measured) };
}

/** Mean difference of what two models painted, 0 … 255. */
function colorDifference(a: SegmentationResult, b: SegmentationResult): number {
  const [left, right] = [a.rawPaintings[0].data, b.rawPaintings[0].data];
  const displayed = (value: number) => Math.min(255, Math.max(0, value));
  return left.reduce(
    (sum, value, i) => sum + Math.abs(displayed(value) - displayed(right[i])) / left.length,
    0,
  );
}

function means(scores: readonly ImageScore[]): ImageScore[] {
  return (['same', 'different'] as const).flatMap((protocol) => {
    const all = scores.filter((each) => each.protocol === protocol);
    if (all.length === 0) return [];
    const episodes = all.reduce((sum, each) => sum + each.episodes, 0);
    return [{ protocol, dataset: 'mean', episodes, ...meanOf(all) }];
  });
}

/** Means of each measure; of those that were taken only. */
function meanOf(all: readonly Partial<Record<Measure, number>>[]) {
  const mean = (measure: Measure) =>
    all.reduce((sum, each) => sum + (each[measure] ?? NaN), 0) / all.length;
  const taken = (measure: Measure) =>
    all.every((each) => each[measure] !== undefined) && { [measure]: mean(measure) };
  return {
    model: mean('model'),
    copy: mean('copy'),
    nearest: mean('nearest'),
    ...taken('firstPrompt'),
    ...taken('grabCut'),
    ...taken('against'),
    ...taken('difference'),
  };
}

async function readPictures(folder: string): Promise<Labelled[]> {
  const pictures: Labelled[] = [];
  for (const path of await listImages(folder)) {
    const maskPath = join(folder, basename(path).replace(/\.jpe?g$/i, '.png'));
    if (maskPath === path || !(await stat(maskPath).catch(() => null))) continue;
    const image = await readImage(path, { argument: path, limits: defaultLimits });
    const labels = await readMask(
      maskPath,
      { argument: maskPath, limits: defaultLimits },
      new Map(),
    );
    pictures.push({ image, labels });
  }
  return pictures;
}

function example({ image, labels }: Labelled, label: number): Example {
  const { width, height, data } = labels;
  return {
    image,
    mask: { width, height, data: data.map((each) => (each === label ? 1 : 0)) },
    ignore: data.map((each) => (each === IGNORE ? 1 : 0)),
  };
}

/** Labels that cover enough of a picture to be asked for. */
function askable({ labels: { data } }: Labelled): number[] {
  const counts = new Uint32Array(256);
  for (const label of data) counts[label]++;
  return Array.from(counts.keys()).filter(
    (label) => label > 0 && label !== IGNORE && counts[label] >= LEAST_SHARE * data.length,
  );
}

/** Prompt and target: crops of one picture of at least 70% a side, each flipped or not; `null` if they share no label. */
function twoViews(pictures: readonly Labelled[], random: () => number): Episode | null {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)];
  for (let attempt = 0; attempt < 20; attempt++) {
    const picture = pick(pictures);
    const [prompt, target] = [view(picture, random), view(picture, random)];
    const shared = askable(prompt).filter((label) => askable(target).includes(label));
    if (shared.length === 0) continue;
    const label = pick(shared);
    return { prompts: [example(prompt, label)], target: example(target, label) };
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
function differentPictures(
  pictures: readonly Labelled[],
  { shots, episodes }: ImageEvaluationOptions,
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
      const take = () => example(rest.splice(Math.floor(random() * rest.length), 1)[0], label);
      drawn.push({ target: take(), prompts: Array.from({ length: shots }, take) });
    }
  }
  return drawn;
}
