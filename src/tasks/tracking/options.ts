import { InvalidInputError } from '../../base/errors';
import {
  type ResolvedOptions,
  resolveOptions,
  type SegmentationOptions,
} from '../in-context/pipeline';
import type { ReadPromptOptions } from '../in-context/prompts';

export interface TrackOptions extends Omit<SegmentationOptions, 'ensemble'>, ReadPromptOptions {
  /**
   * `K`, how many earlier frames join the prompts with their own masks (SegGPT, section 3.3). 0 segments
   * each frame by the prompts alone. A model that drifts does better without; see docs/video.md.
   * @default 0
   */
  readonly memory?: number;
  /**
   * Which frames are remembered: the `recent` ones, or `distinct` ones, chosen by confidence and by how
   * much they differ from what is remembered.
   * @default 'recent'
   */
  readonly selection?: 'recent' | 'distinct';
  /** Remember masks as fits between 0 and 1 rather than as labels. @default true */
  readonly softMasks?: boolean;
  /** Least mean score of a frame that may be remembered, 0 … 1. @default 0.6 */
  readonly minimumScore?: number;
  /** Draw new random colours for every frame. @default false */
  readonly redrawColors?: boolean;
  /** How many times each given prompt counts beside one remembered frame. @default 1 */
  readonly promptWeight?: number;
  /**
   * Segment a region around where the objects were, this many times their box, instead of whole frames: finer, and
   * the bundled model's J&F rises from 0.59 to 0.62 with 2, but what enters elsewhere is not seen. The first frame is
   * searched as a whole unless it is the first prompt's very picture. 0 for whole frames.
   * @default 0
   */
  readonly follow?: number;
  /**
   * Decode as the official code does for one object: white where the painted colour is brighter than this,
   * 0 … 255. Needs one label and `colors: 'binary'`.
   * @default none
   */
  readonly threshold?: number;
}

export type ResolvedTrackOptions = ResolvedOptions &
  Required<
    Pick<
      TrackOptions,
      | 'memory'
      | 'selection'
      | 'softMasks'
      | 'minimumScore'
      | 'redrawColors'
      | 'promptWeight'
      | 'follow'
    >
  > &
  Pick<TrackOptions, 'threshold'>;

/** Fills in defaults. @throws InvalidInputError naming the option. */
export function resolveTrackOptions(options: TrackOptions): ResolvedTrackOptions {
  const inRange = (
    name: string,
    value: number,
    least: number,
    most: number,
    whole = false,
  ): number => {
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      throw new InvalidInputError(
        name,
        `must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, is ${JSON.stringify(value)}.`,
      );
    }
    return value;
  };
  const { selection = 'recent', follow = 0, threshold } = options;
  if (selection !== 'recent' && selection !== 'distinct') {
    throw new InvalidInputError(
      'selection',
      `must be recent or distinct, is ${JSON.stringify(selection)}.`,
    );
  }
  if (threshold !== undefined) {
    inRange('threshold', threshold, 0, 255);
    if (options.colors !== 'binary') {
      throw new InvalidInputError(
        'threshold',
        "needs colors: 'binary': it tells white from black.",
      );
    }
  }
  return {
    ...resolveOptions({ ...options, ensemble: 'feature' }),
    memory: inRange('memory', options.memory ?? 0, 0, 64, true),
    selection,
    softMasks: options.softMasks ?? true,
    minimumScore: inRange('minimumScore', options.minimumScore ?? 0.6, 0, 1),
    redrawColors: options.redrawColors ?? false,
    promptWeight: inRange('promptWeight', options.promptWeight ?? 1, 1, 16, true),
    follow: follow === 0 ? 0 : inRange('follow', follow, 1, 16),
    threshold,
  };
}
