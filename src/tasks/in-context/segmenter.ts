import { guardMethods } from '../../base/guard';
import { throwIfAborted } from '../../base/abort';
import { resolveOptions } from '../../base/options';
import type { RunOptions } from '../../base/progress';
import { BundledModel } from '../../checkpoints/checkpoint-files';
import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import type { ImageInput, ImageSource } from '../../images/image-input';
import { Painter, type PainterLoadOptions } from '../../models/seggpt/painter';
import { type SegmentationOptions, segmentationSchema } from './options';
import { HelperModel } from './helper-model';
import type { Concept } from './concept';
import { narrower, PreparedPrompts } from './prepared-prompts';
import { maskedPrompts } from './masked-prompts';
import {
  type Prompt,
  type PromptSet,
  readPrompts,
  type ReadPromptOptions,
  readTarget,
} from './prompts';
import type { SegmentationResult } from './result';
import { checkKnownOptions } from '../known-options';
import type { TrackOptions } from '../tracking/options';
import {
  type FrameSource,
  trackFrames,
  type TrackFramesOptions,
  type TrackPrompts,
} from '../tracking/track';
import { type TrackedFrame, Tracker } from '../tracking/tracker';

/** How prompts are read, and targets segmented by them. */
export interface SegmentOptions extends SegmentationOptions, ReadPromptOptions, RunOptions {}

/** How a model is loaded, and where pictures may come from. */
export interface SegmenterLoadOptions extends PainterLoadOptions {
  /** Where pictures may come from, in every call. @default all of `files`, `urls` and `memory` */
  readonly sources?: readonly ImageSource[];
  /** The model for prompts by clicks and for `refine: 'sam'`, loaded when it is first needed. @default the bundled MobileSAM */
  readonly interactiveModel?: CheckpointSource;
}

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
    /** Where pictures may come from in every call; a call may narrow it further. */
    private readonly sources: readonly ImageSource[] | undefined,
    /** The interactive model for prompts that point and for `refine`, loaded when it is first needed. @internal */
    readonly helper: HelperModel,
  ) {}

  /**
   * Loads a model.
   *
   * @param source a directory, a `.safetensors` or `.pth` file, a hub id, a URL; the bundled model by default.
   * @throws CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(
    source: CheckpointSource = BundledModel,
    options: SegmenterLoadOptions = {},
  ): Promise<InContextSegmenter> {
    checkKnownOptions(options);
    const { interactiveModel, sources } = options;
    const { backend, threads, deterministic, cache, offline, endpoint, token } = options;
    const helper = new HelperModel(
      interactiveModel,
      { backend, threads, deterministic, cache, offline, endpoint, token },
      source === BundledModel ? 'best' : 'fast',
    );
    return new InContextSegmenter(await Painter.load(source, options), sources, helper);
  }

  /** The engine that computes, e.g. `'wasm'` or `'tfjs-webgpu'`. */
  get engine(): string {
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
    checkKnownOptions(options);
    throwIfAborted(options.signal);
    const resolved = resolveOptions(segmentationSchema, options);
    const reading = this.limited(options);
    return PreparedPrompts.create(
      this.painter,
      await this.read(prompts, reading),
      resolved,
      reading,
      this.helper,
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
    checkKnownOptions(options);
    throwIfAborted(options.signal);
    const resolved = resolveOptions(segmentationSchema, options);
    const reading = this.limited(options);
    const image = await readTarget(target, reading);
    const set = await this.read(prompts, reading);
    const { painter, helper } = this;
    const prepared = await PreparedPrompts.create(painter, set, resolved, reading, helper);
    try {
      return await prepared.segmentImage(image, options);
    } finally {
      prepared.dispose();
    }
  }

  /**
   * Puts prompts in a concept, to be kept in a `.seggpt` file and applied elsewhere; see `seggpt/concepts`. What clicks show is
   * found now, and kept as masks.
   *
   * @param options those of segmenting are kept in it.
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async createConcept(prompts: readonly Prompt[], options: SegmentOptions = {}): Promise<Concept> {
    this.painter.checkAlive();
    checkKnownOptions(options);
    throwIfAborted(options.signal);
    const { createConcept } = await import('./create-concept');
    return createConcept(() => this.read(prompts, this.limited(options)), options);
  }

  /**
   * Follows objects through frames: an iterable of images, the path of a directory or (Node, with ffmpeg)
   * of a video, or in browsers the URL of a video. Ending the loop early closes the source.
   *
   * @param prompts examples of what to follow, or `{ firstMask }`, the mask of the first frame.
   * @throws InvalidInputError and DisposedError at once; VideoError, ImageError and AbortedError from the loop.
   *
   * @example
   * for await (const { index, result } of segmenter.track(prompts, 'cat.mp4')) {
   *   console.log(index, result?.masks[0].box);
   * }
   */
  track(
    prompts: TrackPrompts,
    frames: FrameSource,
    options: TrackFramesOptions = {},
  ): AsyncGenerator<TrackedFrame, void, void> {
    this.painter.checkAlive();
    checkKnownOptions(options);
    return trackFrames(this.painter, prompts, frames, this.limited(options), this.helper);
  }

  /**
   * A tracker to push frames into, as from a camera. The caller disposes it.
   *
   * @throws InvalidInputError naming the option.
   */
  createTracker(prompts: readonly Prompt[], options: TrackOptions = {}): Tracker {
    this.painter.checkAlive();
    checkKnownOptions(options);
    return new Tracker(this.painter, prompts, this.limited(options), this.helper);
  }

  /** Prompts as label maps; those that point at their objects by the interactive model. */
  private async read(prompts: readonly Prompt[], options: SegmentOptions): Promise<PromptSet> {
    return readPrompts(await maskedPrompts(prompts, this.helper, options), options);
  }

  /** A call's options with the segmenter's own limits. */
  private limited<Options extends ReadPromptOptions>(options: Options): Options {
    return { ...options, sources: narrower(this.sources, options.sources) };
  }

  /** Frees the weights and the engine. Calling it again does nothing. */
  dispose(): void {
    this.painter.dispose();
    this.helper.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

guardMethods(InContextSegmenter, ['load']);
guardMethods(InContextSegmenter.prototype, [
  'prepare',
  'segment',
  'createConcept',
  'track',
  'createTracker',
]);
