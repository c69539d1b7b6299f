import { InvalidInputError } from '../../base/errors';
import {
  choice,
  flag,
  number,
  type OptionSchema,
  range,
  type Resolved,
  whole,
  withDefault,
} from '../../base/options';
import { orientations } from '../../images/decoded-image';
import { type ColorScheme, colorSchemes } from '../../colors/color-mapping';
import { type Upsampling, upsamplings } from '../../colors/decode';
import type { Task } from '../../models/seggpt/model';
import type { HalfSize } from './half-canvas';
import { type Tiles, tilesSpec } from './tiles-option';

export const ensembles = ['feature', 'spatial', 'none'] as const;
/**
 * How several prompts act together: `feature` averages the target's features over prompts at every
 * layer, `spatial` shrinks the prompts into one grid, `none` paints once by each and averages the result.
 */
export type Ensemble = (typeof ensembles)[number];

/** How masks are sharpened after painting. */
export const refinements = ['none', 'sam'] as const;
/** By nothing, or by SAM's mask decoder. */
export type Refinement = (typeof refinements)[number];

/** What works on a target. */
export const qualities = ['best', 'fast'] as const;
/**
 * `fast` is the painter alone; `best` joins it with a decoder that compares features of the bundled image encoder, and knows
 * more of what things are.
 */
export type Quality = (typeof qualities)[number];

export const tasks = ['instance', 'semantic'] as const;

/** How targets are segmented. */
export interface SegmentationOptions {
  /** Which type token the model is given. @default 'instance' */
  readonly task?: Task;
  /**
   * `best` asks a second model beside the painter, which is loaded when it is first needed: much better masks of things in
   * pictures that differ and in video, for two to three times the time. `fast` is the painter alone.
   * @default 'best' with the bundled painter, 'fast' with others
   */
  readonly quality?: Quality;
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
  /** How masks reach the size of the target, and whether they follow the picture's edges. @default 'guided' */
  readonly upsampling?: Upsampling;
  /**
   * Sharpen what was painted by the interactive model (`sam`), which is loaded when it is first needed: better masks of things
   * with clear borders, for about half a second more a target.
   * @default 'none'
   */
  readonly refine?: Refinement;
  /**
   * Split what each label marks into its objects by the interactive model, as `instances` of the result: about half a second
   * a target, and a tenth for each object.
   * @default false
   */
  readonly instances?: boolean;
  /**
   * Most labels in one painting; more are painted in several passes and merged by score.
   * @default 26, the most whose colours stay half a channel's range apart
   */
  readonly labelsPerPass?: number;
  /**
   * Least evidence that a label is in the target at all, 0 … 1 (`mask.strength`): with `quality: 'best'` the chance that the second
   * model gives it, else how strongly it was painted, from black to its colour, on average over its mask. Below that it is
   * background. 0 for none.
   * @default 0.5 with `quality: 'best'`, else 0.57
   */
  readonly minimumScore?: number;
  /**
   * Least area of a label that is present, in pixels of the target; 0 for none. Of tiles and of regions that are followed, each
   * decides by itself.
   * @default what a sixteenth of one of the model's patches covers: of a picture at 288 pixels, one 5000th
   */
  readonly minimumArea?: number;
  /**
   * Segment by overlapping tiles, for small things in large pictures: how many along the longer side, the side of one in pixels of
   * the target (`'512px'`), or `'auto'`, six times the side of the prompts' objects. Prompts are cropped around their objects to the
   * same scale. Each tile takes as long as a picture.
   * @default none
   */
  readonly tiles?: Tiles;
  /**
   * Side in pixels of the square that pictures are squeezed to, a multiple of the model's patch (16). Larger finds
   * finer things and takes longer, by the square and more.
   * @default what the model asks for
   */
  readonly resolution?: number;
}

/** The options of segmenting, as data. */
export const segmentationSchema = {
  task: choice('which type token the model is given', tasks, 'instance'),
  quality: {
    kind: 'choice' as const,
    about: 'with a second model, or the painter alone',
    choices: qualities,
  },
  ensemble: choice('how several prompts act together', ensembles, 'feature'),
  colors: choice('how labels get colours', colorSchemes, 'random'),
  colorEnsemble: withDefault(whole('paint in this many random colourings and average', 1, 64), 1),
  seed: withDefault(whole('seed of the random colours', 0, 2 ** 32 - 1), 0),
  upsampling: choice('how masks reach the size of the target', upsamplings, 'guided'),
  refine: choice('sharpen masks by the interactive model', refinements, 'none'),
  instances: flag('split what each label marks into its objects', false),
  labelsPerPass: withDefault(whole('most labels in one painting', 1, 255), 26),
  minimumScore: number('least strength of a label that is present', 0, 1),
  minimumArea: number('least area of a label that is present, in pixels', 0, Infinity),
  tiles: tilesSpec,
  resolution: whole('side of the square pictures are squeezed to', 16, 2048),
} satisfies OptionSchema<SegmentationOptions>;

/** Options with their defaults; the resolution's default is the model's. */
export type ResolvedOptions = Resolved<typeof segmentationSchema>;

/** The options of reading prompts that the command line has, too; see `ReadPromptOptions`. */
export const promptSchema = {
  tolerance: number('join mask colours closer than this; 0 joins not even soft edges', 0, 441),
  ignore: whole('value of mask pixels that are left out; 0 for none', 0, 255),
  resizeMasks: flag('resize masks that differ in size from their image', false),
  orientation: {
    kind: 'choice' as const,
    about: 'upright, as EXIF turns pictures, or as their pixels are stored',
    choices: orientations,
  },
  window: range('values that are shown as black and white'),
  maxPixels: withDefault(number('largest picture to read', 1, Infinity), 100_000_000),
  svg: flag('draw SVG, in Node', false),
};

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
