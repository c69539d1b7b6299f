import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InvalidInputError } from '../base/errors';
import { defaultLimits } from '../images/decode-limits';
import { type LabelMap, labelsOf } from '../masks/label-map';
import { readMask } from '../masks/read-mask';
import type { InContextSegmenter } from '../tasks/in-context/segmenter';
import { frameStore } from '../video/frame-store';
import type { TrackFramesOptions } from '../tasks/tracking/track';
import {
  boundaryAccuracy,
  regionSimilarity,
  sequenceStatistics,
  type SequenceStatistics,
} from './davis';

/** A sequence of frames with a mask for each. */
export interface Sequence {
  /** Name of the sequence: its folder's. */
  readonly name: string;
  /** Frames in order, each with the path of its picture and mask. */
  readonly frames: readonly { readonly image: string; readonly mask: string }[];
}

/** Label of pixels that do not count. */
const IGNORE = 255;
/** True labels are taken to the letter: nothing is joined, and what does not count is found here. */
const ASKED = { ignore: 0, tolerance: 0 };

/**
 * Finds sequences: DAVIS's own layout (`JPEGImages/480p/NAME`, `Annotations/480p/NAME`), or one folder a
 * sequence with `FRAME.jpg` beside `FRAME.png`; where no folder is one, the directory itself, by its own name.
 *
 * @throws InvalidInputError if there are none.
 */
export async function findSequences(directory: string): Promise<Sequence[]> {
  const isDirectory = async (path: string) =>
    (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const davis = join(directory, 'JPEGImages', '480p');
  const flat = !(await isDirectory(davis));
  const root = flat ? directory : davis;
  const sequences: Sequence[] = [];
  const add = async (name: string, folder: string, masks: string) => {
    const images = await frameStore.list(folder).catch(() => []);
    const frames = [];
    for (const image of images.filter((path) => /\.jpe?g$/i.test(path))) {
      const mask = join(masks, basename(image).replace(/\.jpe?g$/i, '.png'));
      if (await stat(mask).catch(() => null)) frames.push({ image, mask });
    }
    if (frames.length > 2) sequences.push({ name, frames });
  };
  for (const name of (await readdir(root).catch(() => [])).sort()) {
    const folder = join(root, name);
    if (!(await isDirectory(folder))) continue;
    await add(name, folder, flat ? folder : join(directory, 'Annotations', '480p', name));
  }
  if (sequences.length === 0 && flat) await add(basename(resolve(directory)), directory, directory);
  if (sequences.length === 0) {
    throw new InvalidInputError(
      'directory',
      `"${directory}" holds no sequences of FRAME.jpg with FRAME.png, nor the layout of DAVIS.`,
    );
  }
  return sequences;
}

/** What was measured on one sequence, as DAVIS defines it (Perazzi et al. 2016). 0 … 1. */
export interface SequenceScore {
  /** Name of the sequence. */
  readonly name: string;
  /** Frames of the sequence. The first, whose mask is given, and the last are not scored, as in DAVIS. */
  readonly frames: number;
  /** Objects that were followed. */
  readonly objects: number;
  /** Region similarity: IoU over frames and objects. */
  readonly J: SequenceStatistics;
  /** Boundary measure: F of the outlines' precision and recall. */
  readonly F: SequenceStatistics;
  /** Mean of J and F. */
  readonly JF: number;
  /** Frames segmented in a second, reading them included. */
  readonly framesPerSecond: number;
}

/**
 * Tracks the objects of the first frame's mask through a sequence and measures them. The first and the
 * last frame do not count, as DAVIS 2017 has it.
 */
export async function evaluateSequence(
  segmenter: InContextSegmenter,
  sequence: Sequence,
  options: TrackFramesOptions,
): Promise<SequenceScore> {
  const read = (path: string): Promise<LabelMap> =>
    readMask(path, { argument: path, limits: defaultLimits, signal: options.signal, ...ASKED });
  const first = await read(sequence.frames[0].mask);
  const known = labelsOf(first).filter((label) => label !== IGNORE);
  const firstMask = { ...first, data: first.data.map((label) => (label === IGNORE ? 0 : label)) };
  const values = known.map(() => ({ J: [] as number[], F: [] as number[] }));
  const began = performance.now();
  let measuring = 0;
  const frames = sequence.frames.map(({ image }) => image);
  for await (const { index, result, error } of segmenter.track({ firstMask }, frames, options)) {
    if (error) throw error;
    if (index === 0 || index === frames.length - 1 || !result) continue;
    const start = performance.now();
    const truth = await read(sequence.frames[index].mask);
    const ignore = truth.data.map((label) => (label === IGNORE ? 1 : 0));
    known.forEach((label, k) => {
      const found = result.labelMap.data.map((each) => (each === label ? 1 : 0));
      const wanted = truth.data.map((each) => (each === label ? 1 : 0));
      values[k].J.push(regionSimilarity(found, wanted, ignore));
      values[k].F.push(boundaryAccuracy(found, wanted, truth.width, truth.height, ignore));
    });
    measuring += performance.now() - start;
  }
  const seconds = (performance.now() - began - measuring) / 1000;
  const J = averageStatistics(values.map((value) => sequenceStatistics(value.J)));
  const F = averageStatistics(values.map((value) => sequenceStatistics(value.F)));
  return {
    name: sequence.name,
    frames: frames.length,
    objects: known.length,
    J,
    F,
    JF: (J.mean + F.mean) / 2,
    framesPerSecond: frames.length / seconds,
  };
}

/** Mean over objects or sequences. */
export function averageStatistics(all: readonly SequenceStatistics[]): SequenceStatistics {
  const mean = (of: (each: SequenceStatistics) => number) =>
    all.reduce((sum, each) => sum + of(each), 0) / all.length;
  return { mean: mean((s) => s.mean), recall: mean((s) => s.recall), decay: mean((s) => s.decay) };
}
