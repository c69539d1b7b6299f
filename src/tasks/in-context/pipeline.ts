/**
 * In-context segmentation, from pictures to masks (SegGPT, arXiv:2304.03284):
 *
 * 1. {@link planPasses} gives every label a random colour (section 3.1),
 * 2. {@link stitchPrompts} puts the coloured prompts on the upper halves of canvases (section 3.3),
 * 3. the painter paints the missing quarter of each canvas,
 * 4. {@link mergeFits} and {@link decodeMerged} turn the colours back into labels at the target's own size.
 */
import { gridHalf, type HalfSize, imageHalf, maskHalf } from './half-canvas';
import { denormalizeColors, normalizeColors } from '../../models/seggpt/normalize';
import {
  type ColorMapping,
  type ColorScheme,
  colorSchemes,
  mapColors,
} from '../../colors/color-mapping';
import {
  colorFits,
  type Decoded,
  decodeFits,
  type Painting,
  type Upsampling,
  upsamplings,
} from '../../colors/decode';
import { InvalidInputError } from '../../base/errors';
import type { PromptHalves } from '../../models/seggpt/painter';
import type { Task } from '../../models/seggpt/model';
import type { PromptSet } from './prompts';

export const ensembles = ['feature', 'spatial', 'none'] as const;
/**
 * How several prompts act together: `feature` averages the target's features over prompts at every
 * layer, `spatial` shrinks the prompts into one grid, `none` paints once by each and averages the result.
 */
export type Ensemble = (typeof ensembles)[number];

export const tasks = ['instance', 'semantic'] as const;

export interface SegmentationOptions {
  /** Which type token the model is given. @default 'instance' */
  readonly task?: Task;
  /** @default 'feature' */
  readonly ensemble?: Ensemble;
  /** @default 'random' */
  readonly colors?: ColorScheme;
  /**
   * Paint this many times in different random colours and average. Of use from two labels on: a single
   * label is always white.
   * @default 1
   */
  readonly colorEnsemble?: number;
  /** Seed of the random colours, a whole number. @default 0 */
  readonly seed?: number;
  /** @default 'smooth' */
  readonly upsampling?: Upsampling;
  /**
   * Most labels in one painting; more are painted in several passes and merged by score.
   * @default 26, the most whose colours stay half a channel's range apart
   */
  readonly labelsPerPass?: number;
  /**
   * Side in pixels of the square that pictures are squeezed to, a multiple of the model's patch (16). Larger finds
   * finer things and takes longer, by the square and more.
   * @default what the model asks for
   */
  readonly resolution?: number;
}

/** Options with their defaults; the resolution's default is the model's. */
export type ResolvedOptions = Required<Omit<SegmentationOptions, 'resolution'>> &
  Pick<SegmentationOptions, 'resolution'>;

/** The size of half a canvas. @throws InvalidInputError if the patch does not divide it. */
export function halfSize(
  { resolution }: Pick<SegmentationOptions, 'resolution'>,
  painter: { readonly inputSize: HalfSize; readonly config: { readonly patch: number } },
): HalfSize {
  if (resolution === undefined) return painter.inputSize;
  const { patch } = painter.config;
  if (resolution % patch !== 0) {
    throw new InvalidInputError(
      'resolution',
      `must be a multiple of the model's patch, ${patch}, is ${resolution}.`,
    );
  }
  return { height: resolution, width: resolution };
}

/** Fills in defaults. @throws InvalidInputError naming the option and what it may be. */
export function resolveOptions(options: SegmentationOptions = {}): ResolvedOptions {
  const oneOf = <Value>(name: string, value: Value, allowed: readonly Value[]): Value => {
    if (!allowed.includes(value)) {
      throw new InvalidInputError(
        name,
        `must be one of ${allowed.join(', ')}, is ${JSON.stringify(value)}.`,
      );
    }
    return value;
  };
  const whole = (name: string, value: number, least: number, most: number): number => {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidInputError(
        name,
        `must be a whole number from ${least} to ${most}, is ${JSON.stringify(value)}.`,
      );
    }
    return value;
  };
  return {
    task: oneOf('task', options.task ?? 'instance', tasks),
    ensemble: oneOf('ensemble', options.ensemble ?? 'feature', ensembles),
    colors: oneOf('colors', options.colors ?? 'random', colorSchemes),
    colorEnsemble: whole('colorEnsemble', options.colorEnsemble ?? 1, 1, 64),
    seed: whole('seed', options.seed ?? 0, 0, 2 ** 32 - 1),
    upsampling: oneOf('upsampling', options.upsampling ?? 'smooth', upsamplings),
    labelsPerPass: whole('labelsPerPass', options.labelsPerPass ?? 26, 1, 255),
    resolution:
      options.resolution === undefined
        ? undefined
        : whole('resolution', options.resolution, 16, 2048),
  };
}

/** The labels painted together, in one or several random colourings. */
export interface Pass {
  readonly labels: readonly number[];
  readonly mappings: readonly ColorMapping[];
}

/** Deals labels out to passes and gives them colours. */
export function planPasses(labels: readonly number[], options: ResolvedOptions): Pass[] {
  const { colors, seed } = options;
  const perPass = colors === 'binary' ? 1 : options.labelsPerPass;
  // Only random colours differ from one painting to the next.
  const count = colors === 'random' ? options.colorEnsemble : 1;
  const passes = Math.ceil(labels.length / perPass);
  return Array.from({ length: passes }, (_, p) => {
    const group = labels.filter((_label, i) => i % passes === p);
    // A single label is always white: painting it again would give the same.
    const mappings = Array.from({ length: group.length > 1 ? count : 1 }, (_mapping, k) =>
      mapColors(group, colors, (seed + k) >>> 0),
    );
    return { labels: group, mappings };
  });
}

/** Prompts as upper halves of canvases, in normalised colours: one canvas each, or one for all. */
export function stitchPrompts(
  set: PromptSet,
  mapping: ColorMapping,
  ensemble: Ensemble,
  size: HalfSize,
): PromptHalves {
  const { prompts } = set;
  const { height, width } = size;
  const drawImage = (i: number, cell: HalfSize) => imageHalf(prompts[i].image, cell);
  const drawMask = (i: number, cell: HalfSize) => maskHalf(prompts[i].mask, mapping, cell);
  if (ensemble === 'spatial') {
    const images = normalizeColors(gridHalf(prompts.length, size, drawImage));
    return {
      count: 1,
      height,
      width,
      images,
      masks: normalizeColors(gridHalf(prompts.length, size, drawMask)),
    };
  }
  const length = height * width * 3;
  const images = new Float32Array(prompts.length * length);
  const masks = new Float32Array(prompts.length * length);
  prompts.forEach((_, i) => {
    images.set(normalizeColors(drawImage(i, size)), i * length);
    masks.set(normalizeColors(drawMask(i, size)), i * length);
  });
  return { count: prompts.length, height, width, images, masks };
}

/** What the painter left for one mapping: `(M, height, width, 3)` normalised, M paintings to average. */
export interface PaintedPass {
  readonly mapping: ColorMapping;
  readonly painted: Float32Array;
}

/** A painted half in RGB 0 … 255. */
export function toPaintings(
  { mapping, painted }: PaintedPass,
  { height, width }: HalfSize,
): Painting[] {
  const length = height * width * 3;
  return Array.from({ length: painted.length / length }, (_, m) => ({
    width,
    height,
    mapping,
    data: denormalizeColors(painted.subarray(m * length, (m + 1) * length)),
  }));
}

/** How well each label fits each pixel of a half, over all passes. */
export interface MergedFits {
  readonly height: number;
  readonly width: number;
  /** In the order of `planes`, background left out. */
  readonly labels: readonly number[];
  /** `(height, width)` each, background first. */
  readonly planes: readonly Float32Array[];
}

/**
 * Averages the paintings of each pass and joins the passes.
 *
 * @param passes for each pass its paintings, all in the order of its labels.
 */
export function mergeFits(
  passes: readonly {
    readonly labels: readonly number[];
    readonly paintings: readonly Painting[];
  }[],
): MergedFits {
  const { height, width } = passes[0].paintings[0];
  const labels = passes.flatMap((pass) => pass.labels);
  const fits = passes.map(({ paintings }) => averagePlanes(paintings.map(colorFits)));
  // A pixel is background only if no pass finds anything there.
  const background = fits[0][0].map((_, i) => Math.min(...fits.map((planes) => planes[0][i])));
  return { height, width, labels, planes: [background, ...fits.flatMap((pass) => pass.slice(1))] };
}

/** Decodes merged fits at the target's size. */
export function decodeMerged(
  { height, width, labels, planes }: MergedFits,
  target: readonly [height: number, width: number],
  upsampling: Upsampling,
): Decoded {
  return decodeFits(planes, labels, [height, width], target, upsampling);
}

function averagePlanes(all: readonly Float32Array[][]): Float32Array[] {
  if (all.length === 1) return all[0];
  return all[0].map((first, k) =>
    first.map((_, i) => all.reduce((sum, planes) => sum + planes[k][i], 0) / all.length),
  );
}
