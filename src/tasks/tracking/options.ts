import { InvalidInputError } from '../../base/errors';
import {
  choice,
  flag,
  number,
  type OptionSchema,
  type Resolved,
  resolveOptions,
  whole,
  withDefault,
} from '../../base/options';
import type { ColorScheme } from '../../colors/color-mapping';
import { segmentationSchema, type SegmentationOptions } from '../in-context/options';
import type { ReadPromptOptions } from '../in-context/prompts';

export const selections = ['recent', 'distinct'] as const;

/** What tracking adds to segmenting. */
export interface TrackSettings {
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
  readonly selection?: (typeof selections)[number];
  /** Remember masks as fits between 0 and 1 rather than as labels. @default true */
  readonly softMasks?: boolean;
  /** Least mean score of a frame that may be remembered, 0 … 1. @default 0.6 */
  readonly memoryScore?: number;
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
  readonly regionScale?: number;
}

/** Decoding as the official code does for one object; it tells white from black, so colours must be binary. */
export type ThresholdOptions =
  | { readonly colors?: ColorScheme; readonly threshold?: undefined }
  | {
      readonly colors: 'binary';
      /** White where the painted colour is brighter than this, 0 … 255. Needs one label. @default none */
      readonly threshold?: number;
    };

/** How objects are followed: what segmenting takes, and what tracking adds. */
export type TrackOptions = Omit<
  SegmentationOptions,
  'ensemble' | 'colors' | 'instances' | 'tiles'
> &
  TrackSettings &
  ThresholdOptions &
  ReadPromptOptions;

/** The options that tracking adds, as data. */
export const trackSchema = {
  memory: withDefault(whole('earlier frames that join the prompts', 0, 64), 0),
  selection: choice('which frames are remembered', selections, 'recent'),
  softMasks: flag('remember masks as fits rather than as labels', true),
  memoryScore: withDefault(number('least mean score of a frame that is remembered', 0, 1), 0.6),
  redrawColors: flag('draw new random colours for every frame', false),
  promptWeight: withDefault(whole('how often a prompt counts beside a remembered frame', 1, 16), 1),
  regionScale: {
    ...withDefault(
      number('segment a region this many times the objects; 0 for whole frames', 1, 16),
      0,
    ),
    orZero: true,
  },
} satisfies OptionSchema<TrackSettings>;

const thresholdSchema = { threshold: number('brightness that tells white from black', 0, 255) };

export type ResolvedTrackOptions = Resolved<typeof segmentationSchema> &
  Resolved<typeof trackSchema> &
  Resolved<typeof thresholdSchema>;

/** Fills in defaults. @throws InvalidInputError naming the option. */
export function resolveTrackOptions(options: TrackOptions): ResolvedTrackOptions {
  const { threshold } = resolveOptions(thresholdSchema, options);
  if (threshold !== undefined && options.colors !== 'binary') {
    throw new InvalidInputError('threshold', "needs colors: 'binary': it tells white from black.");
  }
  if ((options as SegmentationOptions).instances)
    throw new InvalidInputError(
      'instances',
      'are found in single pictures; to follow objects one by one give each a label of its own.',
    );
  if ((options as SegmentationOptions).tiles !== undefined)
    throw new InvalidInputError(
      'tiles',
      'are for single pictures; regionScale follows objects closely in frames.',
    );
  return {
    ...resolveOptions(segmentationSchema, { ...options, ensemble: 'feature' }),
    ...resolveOptions(trackSchema, options),
    threshold,
  };
}
