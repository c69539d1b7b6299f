import { throwIfAborted } from '../../base/abort';
import { ImageError, InvalidInputError } from '../../base/errors';
import type { ImageInput } from '../../images/image-input';
import type { Painter } from '../../models/seggpt/painter';
import type { RunOptions } from '../in-context/prepared-prompts';
import type { Prompt } from '../in-context/prompts';
import type { TrackOptions } from './options';
import { Tracker, type TrackedFrame } from './tracker';

/** Frames to track through: any iterable of images, the path of a directory of images, or of a video (Node). */
export type FrameSource = Iterable<ImageInput> | AsyncIterable<ImageInput> | string;

export interface TrackFramesOptions extends TrackOptions, RunOptions {
  /** Examples of what to follow. Give these, or `firstMask`, or both. */
  readonly prompts?: readonly Prompt[];
  /** The mask of the first frame, which then becomes the first prompt. */
  readonly firstMask?: ImageInput;
}

/**
 * Follows objects through frames. One frame is held at a time; the next is asked for when its result has
 * been taken. A frame that cannot be read yields its error, and tracking goes on. Ending the loop early
 * closes the source.
 *
 * @param open turns a path into frames.
 * @throws InvalidInputError, AbortedError, and ImageError for a prompt that cannot be read: the first frame too, where
 *   `firstMask` makes it one.
 */
export async function* trackFrames(
  painter: Painter,
  frames: FrameSource,
  options: TrackFramesOptions,
  open: (path: string, signal?: AbortSignal) => AsyncIterable<ImageInput>,
): AsyncGenerator<TrackedFrame, void, void> {
  const { prompts = [], firstMask, signal } = options;
  if (prompts.length === 0 && firstMask === undefined) {
    throw new InvalidInputError(
      'prompts',
      'is empty; give prompts, or the firstMask of the first frame.',
    );
  }
  if (
    typeof frames !== 'string' &&
    (typeof frames !== 'object' ||
      frames === null ||
      !(Symbol.iterator in frames || Symbol.asyncIterator in frames))
  ) {
    throw new InvalidInputError(
      'frames',
      'must be an iterable of images, or the path of a directory or video.',
    );
  }
  let tracker: Tracker | undefined;
  try {
    if (firstMask === undefined) tracker = await started(new Tracker(painter, prompts, options));
    let index = 0;
    for await (const frame of typeof frames === 'string' ? open(frames, signal) : frames) {
      throwIfAborted(signal);
      tracker ??= await started(
        new Tracker(painter, [{ image: frame, mask: firstMask! }, ...prompts], options),
      );
      yield await tracked(tracker, frame, index++, options);
    }
  } finally {
    tracker?.dispose();
  }
}

/** Bad prompts are told before a frame is tracked. */
async function started(tracker: Tracker): Promise<Tracker> {
  await tracker.start();
  return tracker;
}

async function tracked(
  tracker: Tracker,
  frame: ImageInput,
  index: number,
  run: RunOptions,
): Promise<TrackedFrame> {
  try {
    return { index, result: await tracker.next(frame, run), error: null };
  } catch (error) {
    // A frame can be bad by itself; anything else ends the loop.
    if (!(error instanceof ImageError)) throw error;
    return { index, result: null, error };
  }
}
