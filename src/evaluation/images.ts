import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { seededRandom } from '../base/random';
import { throwIfAborted } from '../base/abort';
import { InvalidInputError } from '../base/errors';
import type { SegmentationOptions } from '../tasks/in-context/options';
import type { SegmentationResult } from '../tasks/in-context/result';
import type { InContextSegmenter } from '../tasks/in-context/segmenter';
import { copiedMask, nearestColor } from './baselines';
import { regionSimilarity } from './davis';
import {
  differentPictures,
  type Episode,
  type Labelled,
  pairsIn,
  readPictures,
  twoViews,
} from './episodes';
import type { GrabCut } from './grab-cut';

/** How a model is measured on labelled pictures. */
export interface ImageEvaluationOptions extends Pick<
  SegmentationOptions,
  'resolution' | 'quality' | 'refine' | 'minimumScore'
> {
  /** Prompts in each episode of different pictures, at least 1; views of one picture have one. @default 1 */
  readonly shots: number;
  /** Episodes for each label of a data set, and for each data set of views; at least 1. @default 20 */
  readonly episodes: number;
  /** Seed of the episodes: which pictures are paired. @default 0 */
  readonly seed: number;
  /** A second model, or the same at another precision, for the same episodes. */
  readonly against?: InContextSegmenter;
  /** A third way to do without a model; the copied mask is its guess. */
  readonly grabCut?: GrabCut;
  /** Stops the evaluation between episodes. */
  readonly signal?: AbortSignal;
  /** Told of each data set that is done, and of pictures that are left out. */
  readonly onEpisode?: (text: string) => void;
}

/** What was measured on one data set. Scores are mean IoU, 0 … 1. */
export interface ImageScore {
  /** `same`: two views of one picture; `different`: two pictures that share a label. */
  readonly protocol: 'same' | 'different';
  /** Name of the data set: its folder's. */
  readonly dataset: string;
  /** How many pairs of prompt and target were segmented. */
  readonly episodes: number;
  /** Mean IoU of the model. */
  readonly model: number;
  /** Mean IoU of the prompt's mask laid over the target. */
  readonly copy: number;
  /** Mean IoU of taking for each pixel the label of the prompt's pixel nearest in colour and position. */
  readonly nearest: number;
  /** With several `shots`: mean IoU of the model with the first prompt alone. */
  readonly firstPrompt?: number;
  /** With `grabCut`: mean IoU of the copied mask after it. */
  readonly grabCut?: number;
  /** With `against`: mean IoU of the model at that precision. */
  readonly against?: number;
  /** With `against`: how far apart both paint, on average, in steps of 255. */
  readonly difference?: number;
}

/**
 * Mean IoU by data set on episodes drawn with a fixed seed, beside what one could do without a model.
 *
 * @param directory one folder for each data set with NAME.jpg and NAME.png (8-bit labels, 255 = ignore); where no folder
 *   is one, the directory itself is the only data set, by its own name. An `index.json` may say by `datasets.NAME.correspondence` where labels mean the same in every picture
 *   (`class`), and where they do not (`local`, `instance`), so that only views of one picture are compared.
 * @throws InvalidInputError if neither folders nor the directory have anything to ask for.
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
  const measure = async (dataset: string, pictures: readonly Labelled[]) => {
    if (pictures.length < options.shots + 1) return;
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
  };
  for (const dataset of (await readdir(directory).catch(() => [])).sort()) {
    const folder = join(directory, dataset);
    if ((await stat(folder)).isDirectory()) await measure(dataset, await readPictures(folder));
  }
  const beside = await pairsIn(directory);
  if (scores.length === 0 && beside.length > 0)
    await measure(basename(resolve(directory)), await readPictures(directory));
  else if (beside.length > 0)
    options.onEpisode?.(
      `left out ${beside.length} picture(s) beside the folders, which are the data sets`,
    );
  if (scores.length === 0) {
    throw new InvalidInputError(
      'directory',
      `"${directory}" holds no folders of at least ${options.shots + 1} pictures NAME.jpg whose NAME.png shows a label, nor such pictures itself.`,
    );
  }
  return [...scores, ...means(scores)];
}

type Measure = 'model' | 'copy' | 'nearest' | 'firstPrompt' | 'grabCut' | 'against' | 'difference';

async function score(
  segmenter: InContextSegmenter,
  protocol: ImageScore['protocol'],
  dataset: string,
  episodes: readonly Episode[],
  { signal, resolution, quality, refine, minimumScore, against, grabCut }: ImageEvaluationOptions,
): Promise<ImageScore> {
  const measured: Partial<Record<Measure, number>>[] = [];
  for (const { prompts, target } of episodes) {
    throwIfAborted(signal);
    const options = { signal, resolution, quality, refine, minimumScore };
    const result = await segmenter.segment(prompts, target.image, options);
    const first =
      prompts.length > 1
        ? await segmenter.segment(prompts.slice(0, 1), target.image, options)
        : undefined;
    const other = await against?.segment(prompts, target.image, options);
    const iou = (found: Uint8Array) => regionSimilarity(found, target.mask.data, target.ignore);
    const copied = copiedMask(prompts[0].mask, target.image);
    measured.push({
      model: iou(result.labelMap.data),
      copy: iou(copied),
      nearest: iou(nearestColor(prompts[0], target.image)),
      ...(first && { firstPrompt: iou(first.labelMap.data) }),
      ...(grabCut && { grabCut: iou(grabCut(copied, target.image)) }),
      ...(other && {
        against: iou(other.labelMap.data),
        difference: colorDifference(result, other),
      }),
    });
  }
  return { protocol, dataset, episodes: episodes.length, ...meanOf(measured) };
}

/** Mean difference of what two models painted, 0 … 255. */
function colorDifference(a: SegmentationResult, b: SegmentationResult): number {
  const [left, right] = [a.modelPaintings[0].data, b.modelPaintings[0].data];
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
