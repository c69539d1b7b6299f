import { throwIfAborted } from '../../base/abort';
import { InvalidInputError } from '../../base/errors';
import { guarded } from '../../base/guard';
import type { RunOptions } from '../../base/progress';
import type { ImageInput } from '../../images/image-input';
import type { RgbImage } from '../../images/rgb-image';
import type { FeatureExtractor } from '../features/feature-extractor';
import type { FeatureGrid } from '../features/feature-grid';
import { areMasked } from '../in-context/masked-prompts';
import {
  type MaskPrompt,
  readPrompts,
  type ReadPromptOptions,
  readTarget,
} from '../in-context/prompts';
import { commonPart, describe, type Description, directions, dot } from './describe';

/** How prompts are chosen. */
export interface SelectOptions extends Omit<ReadPromptOptions, 'signal'>, RunOptions {
  /** How many; all of the pool, best first, where it has fewer. */
  readonly count: number;
  /** The picture they are to serve. Without it they are chosen to stand for the whole pool. */
  readonly for?: ImageInput;
  /** What sees likeness. It stays the caller's. */
  readonly extractor: Pick<FeatureExtractor, 'encode'>;
}

/** Prompts that were chosen, in the order of choice. */
export interface SelectedPrompts {
  /** As they are in the pool. */
  readonly prompts: readonly MaskPrompt[];
  /** Of each its place in the pool. */
  readonly indices: readonly number[];
  /** How much each added when it was chosen: likeness to the target, or to the pool; -1 … 1, falling. */
  readonly gains: readonly number[];
}

/** Of the likeness to a target, the part of what is marked; the rest is that of whole pictures. */
const OBJECT_SHARE = 0.5;
/** Share of the target's cells that look most like what a prompt marks. */
const NEAREST = 0.05;
/** How much likeness to a prompt that was chosen already counts against another. */
const REDUNDANCY = 0.3;

/**
 * Chooses examples from a pool: for one target those that look most like it, in what is marked and as pictures, and little like
 * one another (arXiv:2312.06592); without a target those that best stand for the whole pool. Labels that only some show are
 * served first. Seconds for a hundred pictures; what was measured: docs/few-shot.md.
 *
 * @throws InvalidInputError for a count that is none, and prompts without masks; what reading pictures throws; AbortedError.
 *
 * @example
 * const extractor = await FeatureExtractor.load();
 * const { prompts } = await selectPrompts(pool, { count: 3, for: 'new.jpg', extractor });
 * const result = await segmentInContext(prompts, 'new.jpg');
 */
export function selectPrompts(
  pool: readonly MaskPrompt[],
  options: SelectOptions,
): Promise<SelectedPrompts> {
  return selectGuarded(pool, options);
}

const selectGuarded = guarded(async function (
  pool: readonly MaskPrompt[],
  options: SelectOptions,
): Promise<SelectedPrompts> {
  const { count, extractor, signal, onProgress } = options;
  if (!(Number.isInteger(count) && count >= 1))
    throw new InvalidInputError('count', `must be a whole number above 0, is ${String(count)}.`);
  if (!areMasked(pool))
    throw new InvalidInputError('pool', 'holds prompts without masks; only masks are compared.');
  throwIfAborted(signal);
  const target = options.for === undefined ? undefined : await readTarget(options.for, options);
  const { prompts, labels } = await readPrompts(pool, options);
  const images = [...prompts.map(({ image }) => image), ...(target ? [target] : [])];
  const grids: FeatureGrid[] = [];
  for (const image of images) {
    grids.push(await encode(extractor, image, signal));
    onProgress?.({ stage: 'encode', loaded: grids.length, total: images.length });
  }
  const common = commonPart(grids);
  const cells = grids.map((grid) => directions(grid, common));
  const described = prompts.map(({ mask }, i) => describe(grids[i], cells[i], mask));
  const usefulness = target
    ? likenessTo(grids.at(-1)!, cells.at(-1)!, described)
    : standingFor(described);
  const { indices, gains } = choose(described, labels, usefulness, count);
  return { prompts: indices.map((index) => pool[index]), indices, gains };
});

function encode(
  extractor: SelectOptions['extractor'],
  { data, width, height }: RgbImage,
  signal: AbortSignal | undefined,
): Promise<FeatureGrid> {
  return extractor.encode({ data, width, height }, { signal });
}

/** How much a prompt adds to those that were chosen. */
type Usefulness = (index: number, chosen: readonly number[]) => number;

/** Likeness to a target, less likeness to what was chosen. */
function likenessTo(
  { rows, columns, channels }: FeatureGrid,
  cells: Float32Array,
  described: readonly Description[],
): Usefulness {
  const count = rows * columns;
  const whole = new Float32Array(channels);
  for (let i = 0; i < cells.length; i++) whole[i % channels] += cells[i];
  const length = Math.sqrt(dot(whole, whole)) || 1;
  const likeness = described.map(({ picture, labels }) => {
    const objects = [...labels.values()].map((object) => {
      const all = Float32Array.from({ length: count }, (_, i) =>
        dot(cells.subarray(i * channels, (i + 1) * channels), object),
      ).sort();
      const near = all.subarray(count - Math.max(1, Math.round(NEAREST * count)));
      return near.reduce((sum, each) => sum + each, 0) / near.length;
    });
    const object = objects.reduce((sum, each) => sum + each, 0) / objects.length;
    return OBJECT_SHARE * object + (1 - OBJECT_SHARE) * (dot(picture, whole) / length);
  });
  return (index, chosen) =>
    likeness[index] -
    REDUNDANCY * Math.max(0, ...chosen.map((each) => alike(described[index], described[each])));
}

/** How much better the pool is stood for: the mean rise of each prompt's likeness to the nearest that was chosen. */
function standingFor(described: readonly Description[]): Usefulness {
  const all = described.map((a) => described.map((b) => alike(a, b)));
  return (index, chosen) => {
    let sum = 0;
    for (let i = 0; i < described.length; i++) {
      const before = Math.max(0, ...chosen.map((each) => all[i][each]));
      sum += Math.max(0, all[i][index] - before);
    }
    return sum / described.length;
  };
}

/** Likeness of two prompts: of what they mark where they mark the same label, and of the pictures. */
function alike(a: Description, b: Description): number {
  const shared = [...a.labels].flatMap(([label, own]) => {
    const other = b.labels.get(label);
    return other ? [dot(own, other)] : [];
  });
  const object =
    shared.length > 0 ? shared.reduce((sum, each) => sum + each, 0) / shared.length : 0;
  return OBJECT_SHARE * object + (1 - OBJECT_SHARE) * dot(a.picture, b.picture);
}

/** One after the other, the most useful first; those that show a label which no chosen one shows go before others. */
function choose(
  described: readonly Description[],
  labels: readonly number[],
  usefulness: Usefulness,
  count: number,
): { indices: number[]; gains: number[] } {
  const indices: number[] = [];
  const gains: number[] = [];
  const missing = new Set(labels);
  while (indices.length < Math.min(count, described.length)) {
    const rest = described.map((_, i) => i).filter((i) => !indices.includes(i));
    const newLabels = (i: number) =>
      [...described[i].labels.keys()].filter((label) => missing.has(label)).length;
    const most = Math.max(...rest.map(newLabels));
    const candidates = rest.filter((i) => newLabels(i) === most);
    const gain = candidates.map((i) => usefulness(i, indices));
    const best = gain.indexOf(Math.max(...gain));
    indices.push(candidates[best]);
    gains.push(gain[best]);
    for (const label of described[candidates[best]].labels.keys()) missing.delete(label);
  }
  return { indices, gains };
}
