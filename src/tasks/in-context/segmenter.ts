import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import { BundledModel } from '../../checkpoints/checkpoint-files';
import { throwIfAborted } from '../../base/abort';
import type { ImageInput } from '../../images/image-input';
import { Painter, type PainterLoadOptions } from '../../models/seggpt/painter';
import { PreparedPrompts, type RunOptions } from './prepared-prompts';
import { type Prompt, readPrompts, type ReadPromptOptions, readTarget } from './prompts';
import type { SegmentationResult } from './result';
import type { TrackOptions } from '../tracking/options';
import { type FrameSource, trackFrames, type TrackFramesOptions } from '../tracking/track';
import { type TrackedFrame, Tracker } from '../tracking/tracker';
import { frameStore } from '../../video/frame-store';
import { resolveOptions, type SegmentationOptions } from './pipeline';

export interface SegmentOptions extends SegmentationOptions, ReadPromptOptions, RunOptions {}

/**
 * A loaded model with a backend, ready to segment by example. It owns the weights; free them with
 * `dispose()`.
 *
 * @example
 * const segmenter = await InContextSegmenter.load();
 * const prompts = await segmenter.prepare([{ image: 'cat-1.jpg', mask: 'cat-1.png' }]);
 * const result = await prompts.segment('cat-2.jpg');
 * console.log(result.masks[0].area, result.masks[0].score);
 * segmenter.dispose();
 */
export class InContextSegmenter {
  private constructor(
    /** The model at the level of tensors. */
    readonly painter: Painter,
  ) {}

  /**
   * Loads a model.
   *
   * @param source a directory, a `.safetensors` or `.pth` file, a hub id, a URL; the bundled model by default.
   * @throws CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(
    source: CheckpointSource = BundledModel,
    options: PainterLoadOptions = {},
  ): Promise<InContextSegmenter> {
    return new InContextSegmenter(await Painter.load(source, options));
  }

  /** The engine in use, e.g. `'wasm'` or `'tfjs-webgpu'`. */
  get backend(): string {
    return this.painter.engine.name;
  }

  /** Memory the engine holds, in bytes; on TF.js that of all tensors of the process. */
  memory(): { readonly tensors: number; readonly bytes: number } {
    return this.painter.engine.memory();
  }

  /**
   * Reads prompts and computes everything that depends on them alone. The caller disposes the result.
   *
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async prepare(
    prompts: readonly Prompt[],
    options: SegmentOptions = {},
  ): Promise<PreparedPrompts> {
    this.painter.checkAlive();
    throwIfAborted(options.signal);
    const resolved = resolveOptions(options);
    return PreparedPrompts.create(
      this.painter,
      await readPrompts(prompts, options),
      resolved,
      options,
    );
  }

  /**
   * Segments one target. To segment several with the same prompts, `prepare` them once.
   *
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async segment(
    prompts: readonly Prompt[],
    target: ImageInput,
    options: SegmentOptions = {},
  ): Promise<SegmentationResult> {
    this.painter.checkAlive();
    throwIfAborted(options.signal);
    const resolved = resolveOptions(options);
    const set = await readPrompts(prompts, options);
    const image = await readTarget(target, options);
    const prepared = await PreparedPrompts.create(this.painter, set, resolved, options);
    try {
      return await prepared.segmentImage(image, options);
    } finally {
      prepared.dispose();
    }
  }

  /**
   * Follows objects through frames: an iterable of images, the path of a directory or (Node, with ffmpeg)
   * of a video, or in browsers the URL of a video. Ending the loop early closes the source.
   *
   * @throws InvalidInputError, VideoError, AbortedError, DisposedError
   *
   * @example
   * for await (const { index, result } of segmenter.track('cat.mp4', { prompts })) {
   *   console.log(index, result?.masks[0].box);
   * }
   */
  track(
    frames: FrameSource,
    options: TrackFramesOptions,
  ): AsyncGenerator<TrackedFrame, void, void> {
    this.painter.checkAlive();
    return trackFrames(this.painter, frames, options, (path, signal) =>
      frameStore.open(path, signal),
    );
  }

  /**
   * A tracker to push frames into, as from a camera. The caller disposes it.
   *
   * @throws InvalidInputError naming the option.
   */
  createTracker(prompts: readonly Prompt[], options: TrackOptions = {}): Tracker {
    this.painter.checkAlive();
    return new Tracker(this.painter, prompts, options);
  }

  /** Frees the weights and the engine. Calling it again does nothing. */
  dispose(): void {
    this.painter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
