import { InvalidInputError } from '../base/errors';
import type { SegmenterLoadOptions, SegmentOptions } from './in-context/segmenter';
import type { EncodeOptions, InteractiveLoadOptions } from './interactive/interactive-segmenter';
import type { TrackFramesOptions } from './tracking/track';

type AnyOption =
  | keyof InteractiveLoadOptions
  | keyof EncodeOptions
  | keyof SegmenterLoadOptions
  | keyof SegmentOptions
  | keyof TrackFramesOptions
  | 'model';

/** Every option of every call; the compiler sees to it that none is left out. */
const known: Readonly<Record<AnyOption, true>> = {
  // loading
  model: true,
  backend: true,
  precision: true,
  threads: true,
  deterministic: true,
  cache: true,
  offline: true,
  endpoint: true,
  token: true,
  sha256: true,
  // reading
  sources: true,
  maxPixels: true,
  orientation: true,
  svg: true,
  window: true,
  labelNames: true,
  resizeMasks: true,
  tolerance: true,
  ignore: true,
  // segmenting
  task: true,
  quality: true,
  ensemble: true,
  colors: true,
  colorEnsemble: true,
  seed: true,
  upsampling: true,
  refine: true,
  instances: true,
  interactiveModel: true,
  labelsPerPass: true,
  tiles: true,
  minimumScore: true,
  minimumArea: true,
  resolution: true,
  // tracking
  memory: true,
  selection: true,
  softMasks: true,
  memoryScore: true,
  redrawColors: true,
  promptWeight: true,
  regionScale: true,
  threshold: true,
  // running
  signal: true,
  onProgress: true,
};

/**
 * Refuses options that no call of this package knows, so that a slip of the pen does not go by in silence. Options of another
 * call are let pass: people hand one object to several.
 *
 * @throws InvalidInputError naming the option and the likeliest meant.
 */
export function checkKnownOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidInputError('options', `must be an object, is ${String(options)}.`);
  for (const [name, value] of Object.entries(options)) {
    if (name in known || value === undefined) continue;
    const meant = nearest(name);
    throw new InvalidInputError(
      name,
      `is no option of this package${meant ? `; did you mean "${meant}"?` : '.'}`,
    );
  }
}

/** The known name that differs in the fewest letters, if these are few. */
function nearest(name: string): string | undefined {
  const close = Object.keys(known)
    .map((each) => ({ each, distance: editDistance(name.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return close.distance <= Math.max(1, name.length / 3) ? close.each : undefined;
}

/** Letters to be put in, taken out or exchanged to make one word of the other (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(
        previous[j] + 1,
        row[j - 1] + 1,
        previous[j - 1] + Number(a[i - 1] !== b[j - 1]),
      );
    previous = row;
  }
  return previous[b.length];
}
