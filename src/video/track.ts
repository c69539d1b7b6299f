import { ImageError, InvalidInputError, throwIfAborted } from '../errors';
import type { ImageInput } from '../images/image-input';
import type { Painter } from '../painter/painter';
import type { RunOptions } from '../prepared-prompts';
import type { Prompt } from '../prompts';
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
 * @throws InvalidInputError, AbortedError
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
  const source = typeof frames === 'string' ? open(frames, signal) : frames;
  if (
    typeof source !== 'object' ||
    source === null ||
    !(Symbol.iterator in source || Symbol.asyncIterator in source)
  ) {
    throw new InvalidInputError(
      'frames',
      'must be an iterable of images, or the path of a directory or video.',
    );
  }
  let tracker: Tracker | undefined;
  let index = 0;
  try {
    for await (const frame of source) {
      throwIfAborted(signal);
      tracker ??= new Tracker(
        painter,
        firstMask === undefined ? prompts : [{ image: frame, mask: firstMask }, ...prompts],
        options,
      );
      try {
        yield { index, result: await tracker.next(frame, options), error: null };
      } catch (error) {
        // A frame can be bad by itself; anything else ends the loop.
        if (!(error instanceof ImageError)) throw error;
        yield { index, result: null, error };
      }
      index++;
    }
  } finally {
    tracker?.dispose();
  }
}
