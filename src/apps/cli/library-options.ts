import { engineSchema, promptSchema, segmentationSchema, trackSchema } from '../../entries/options';
import type {
  ReadPromptOptions,
  SegmentationOptions,
  SegmenterLoadOptions,
  SegmentOptions,
  TrackSettings,
} from '../../index';

/** Of a command's flags those that loading a model takes: the library is given no others. */
export function loadOptions(flags: SegmenterLoadOptions): SegmenterLoadOptions {
  return pick(flags, [...names(engineSchema), 'cache', 'offline']);
}

/** Those that reading prompts and segmenting takes. */
export function segmentOptions(flags: SegmentOptions): SegmentOptions {
  return pick(flags, [...names(segmentationSchema), ...names(promptSchema), 'labelNames']);
}

/** What tracking takes, but for the official procedure's threshold, which has no flag. */
export type TrackOptionFlags = TrackSettings &
  Omit<SegmentationOptions, 'ensemble' | 'colors' | 'instances' | 'tiles'> &
  Omit<ReadPromptOptions, 'signal'>;

export function trackOptions(flags: TrackOptionFlags): TrackOptionFlags {
  const own = [...names(trackSchema), ...names(segmentationSchema)] as (keyof TrackOptionFlags)[];
  return pick(flags, [...own, ...names(promptSchema), 'labelNames']);
}

function names<Schema extends object>(schema: Schema): (keyof Schema)[] {
  return Object.keys(schema) as (keyof Schema)[];
}

function pick<All extends object>(all: All, wanted: readonly (keyof All)[]): Partial<All> {
  const given = wanted.filter((name) => all[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, all[name]])) as Partial<All>;
}
