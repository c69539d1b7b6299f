import { throwIfAborted } from '../../base/abort';
import { ImageError, InvalidInputError } from '../../base/errors';
import type { RunOptions } from '../../base/progress';
import type { ImageInput } from '../../images/image-input';
import type { Painter } from '../../models/seggpt/painter';
import { frameStore } from '../../video/frame-store';
import { isVideoUrl } from '../../video/video-url';
import type { HelperModel } from '../in-context/helper-model';
import type { MaskInput } from '../in-context/prompt-mask';
import { checkPromptList, type Prompt } from '../in-context/prompts';
import { resolveTrackOptions, type TrackOptions } from './options';
import { type TrackedFrame, Tracker } from './tracker';

/**
 * Frames to track through: any iterable of images, the path of a directory of images, or of a video (Node). A frame that
 * has a `time` in seconds, as those of a video do, gets it back with its result.
 */
export type FrameSource = Iterable<ImageInput> | AsyncIterable<ImageInput> | string;

/** What to follow: examples, or the mask of the first frame, which becomes the first prompt, with further examples. */
export type TrackPrompts =
  readonly Prompt[] | { readonly firstMask: MaskInput; readonly prompts?: readonly Prompt[] };

/** How objects are followed through frames. */
export type TrackFramesOptions = TrackOptions & RunOptions;

/**
 * Follows objects through frames. One frame is held at a time; the next is asked for when its result has
 * been taken. A frame that cannot be read yields its error, and tracking goes on. Ending the loop early
 * closes the source.
 *
 * @throws InvalidInputError at once for bad options, prompts or frames; from the loop AbortedError, and ImageError for a
 *   prompt that cannot be read: the first frame too, where `firstMask` makes it one.
 */
export function trackFrames(
  painter: Painter,
  prompts: TrackPrompts,
  frames: FrameSource,
  options: TrackFramesOptions,
  helper?: HelperModel,
): AsyncGenerator<TrackedFrame, void, void> {
  resolveTrackOptions(options);
  const { firstMask, prompts: examples = [] } = Array.isArray(prompts)
    ? { prompts: prompts as readonly Prompt[] }
    : (Object(prompts) as Partial<Exclude<TrackPrompts, readonly Prompt[]>>);
  if (firstMask === undefined || examples.length > 0) checkPromptList(examples);
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
  if (typeof frames === 'string') {
    const source = isVideoUrl(frames) ? 'urls' : 'files';
    if (options.sources && !options.sources.includes(source))
      throw new InvalidInputError(
        'frames',
        `is one of ${source}, which the option sources does not allow.`,
      );
  }
  return follow(painter, examples, firstMask, frames, options, helper);
}

async function* follow(
  painter: Painter,
  prompts: readonly Prompt[],
  firstMask: MaskInput | undefined,
  frames: FrameSource,
  options: TrackFramesOptions,
  helper?: HelperModel,
): AsyncGenerator<TrackedFrame, void, void> {
  const { signal } = options;
  let tracker: Tracker | undefined;
  try {
    if (firstMask === undefined)
      tracker = await started(new Tracker(painter, prompts, options, helper));
    let index = 0;
    for await (const frame of typeof frames === 'string'
      ? frameStore.open(frames, signal)
      : frames) {
      throwIfAborted(signal);
      tracker ??= await started(
        new Tracker(painter, [{ image: frame, mask: firstMask! }, ...prompts], options, helper),
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
  const given = (frame as { readonly time?: unknown }).time;
  const time = typeof given === 'number' ? given : null;
  try {
    return { index, time, result: await tracker.next(frame, run), error: null };
  } catch (error) {
    // A frame can be bad by itself; anything else ends the loop.
    if (!(error instanceof ImageError)) throw error;
    return { index, time, result: null, error };
  }
}
