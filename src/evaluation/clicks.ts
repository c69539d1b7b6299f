import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { throwIfAborted } from '../base/abort';
import { InvalidInputError } from '../base/errors';
import { seededRandom } from '../base/random';
import { innermost } from '../masks/distance';
import { regionsOf } from '../masks/regions';
import type { EncodedImage } from '../tasks/interactive/encoded-image';
import type { InteractiveSegmenter } from '../tasks/interactive/interactive-segmenter';
import { regionSimilarity } from './davis';
import { askable, type Labelled, objectOf, pairsIn, readPictures } from './episodes';
import type { Example } from './example';

/** How clicks are measured. */
export interface ClickEvaluationOptions {
  /** Most objects of each data set, drawn at random; at least 1. @default 20 */
  readonly episodes: number;
  /** Seed of the draw. @default 0 */
  readonly seed: number;
  /** Most clicks on one object, as is usual. @default 20 */
  readonly clicks?: number;
  /** Stops the evaluation between objects. */
  readonly signal?: AbortSignal;
  /** Told of each data set that is done. */
  readonly onEpisode?: (text: string) => void;
}

/** What was measured on one data set. */
export interface ClickScore {
  /** Name of the data set: its folder's. */
  readonly dataset: string;
  /** How many objects were clicked. */
  readonly objects: number;
  /** Mean IoU after one click, 0 … 1. */
  readonly after1: number;
  /** Mean IoU after three clicks, 0 … 1. */
  readonly after3: number;
  /** Mean IoU after five clicks, 0 … 1. */
  readonly after5: number;
  /** Mean number of clicks to an IoU of 0.85; the most where it is not reached. */
  readonly to85: number;
  /** Mean number of clicks to an IoU of 0.90; the most where it is not reached. */
  readonly to90: number;
}

/**
 * How well clicks work: the first is the innermost point of an object, each further one the innermost point of the largest
 * error, inside or outside, with the mask so far as a prompt (Sofiiuk et al. 2021, arXiv:2102.06583, section 4.1; SAM,
 * section 7.1).
 *
 * @param directory one folder for each data set with NAME.jpg and NAME.png (8-bit labels, 255 = ignore), or such pictures itself.
 * @returns a score for each data set, and their mean as `'mean'`, last.
 * @throws InvalidInputError if there is nothing to click on; ImageError, AbortedError, DisposedError
 */
export async function evaluateClicks(
  segmenter: InteractiveSegmenter,
  directory: string,
  options: ClickEvaluationOptions,
): Promise<ClickScore[]> {
  const scores: ClickScore[] = [];
  const measure = async (dataset: string, pictures: readonly Labelled[]) => {
    const objects = pictures.flatMap((picture) =>
      askable(picture).map((label) => objectOf(picture, label)),
    );
    if (objects.length === 0) return;
    const random = seededRandom(options.seed);
    const drawn = objects
      .map((object) => ({ object, turn: random() }))
      .sort((a, b) => a.turn - b.turn)
      .slice(0, options.episodes)
      .map(({ object }) => object);
    const rows: number[][] = [];
    for (const object of drawn) {
      throwIfAborted(options.signal);
      rows.push(await clickOn(await segmenter.encode(object.image), object, options));
    }
    scores.push({ dataset, objects: rows.length, ...summary(rows) });
    options.onEpisode?.(`${dataset} done`);
  };
  for (const dataset of (await readdir(directory).catch(() => [])).sort()) {
    const folder = join(directory, dataset);
    if ((await stat(folder)).isDirectory()) await measure(dataset, await readPictures(folder));
  }
  if (scores.length === 0 && (await pairsIn(directory)).length > 0)
    await measure(basename(resolve(directory)), await readPictures(directory));
  if (scores.length === 0)
    throw new InvalidInputError(
      'directory',
      `"${directory}" holds no pictures NAME.jpg whose NAME.png shows a label.`,
    );
  const objects = scores.reduce((sum, score) => sum + score.objects, 0);
  const mean = (key: keyof ReturnType<typeof summary>) =>
    scores.reduce((sum, score) => sum + score[key], 0) / scores.length;
  return [
    ...scores,
    {
      ...{ dataset: 'mean', objects, after1: mean('after1'), after3: mean('after3') },
      ...{ after5: mean('after5'), to85: mean('to85'), to90: mean('to90') },
    },
  ];
}

/** IoU after each click. */
export async function clickOn(
  picture: Pick<EncodedImage, 'segment'>,
  { mask: { width, height, data: truth }, ignore }: Example,
  { clicks = 20, signal }: Pick<ClickEvaluationOptions, 'clicks' | 'signal'>,
): Promise<number[]> {
  const points: [number, number][] = [];
  const labels: number[] = [];
  const after: number[] = [];
  let found = new Uint8Array(truth.length);
  let logits: Float32Array | undefined;
  while (after.length < clicks) {
    const missing = truth.map((value, i) => (value && !found[i] ? 1 : 0));
    const wrong = found.map((value, i) => (value && !truth[i] && !ignore?.[i] ? 1 : 0));
    const [miss, excess] = [missing, wrong].map((error) => largest(error, width, height));
    if (miss.area === 0 && excess.area === 0) {
      after.push(1); // nothing is left to click on
      continue;
    }
    const inside = miss.area >= excess.area;
    const { x, y } = innermost(inside ? miss.data : excess.data, width, height);
    points.push([x + 0.5, y + 0.5]);
    labels.push(inside ? 1 : 0);
    const prompt = { points, labels, ...(logits && { mask: logits }) };
    const { masks } = await picture.segment(prompt, { signal });
    logits = masks[0].logits;
    found = masks[0].toBinary() as Uint8Array<ArrayBuffer>;
    after.push(regionSimilarity(found, truth, ignore));
  }
  return after;
}

/** The largest region of an error. */
function largest(error: Uint8Array, width: number, height: number) {
  const { numbers, areas } = regionsOf(error, width, height);
  const best = areas.reduce((top, area, i) => (area > areas[top] ? i : top), 0);
  return {
    area: areas[best],
    data: Uint8Array.from(numbers, (n) => (best > 0 && n === best ? 1 : 0)),
  };
}

function summary(rows: readonly (readonly number[])[]) {
  const mean = (value: (row: readonly number[]) => number) =>
    rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  const at = (click: number) => mean((row) => row[Math.min(click, row.length) - 1]);
  const to = (least: number) =>
    mean((row) => {
      const reached = row.findIndex((iou) => iou >= least);
      return reached < 0 ? row.length : reached + 1;
    });
  return { after1: at(1), after3: at(3), after5: at(5), to85: to(0.85), to90: to(0.9) };
}
