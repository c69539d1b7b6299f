import { guardMethods } from '../../base/guard';
import { throwIfAborted } from '../../base/abort';
import type { RunOptions } from '../../base/progress';
import { BundledInteractiveModel } from '../../checkpoints/checkpoint-files';
import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import type { ImageInput, ImageSource } from '../../images/image-input';
import type { Sam, SamLoadOptions } from '../../models/sam/sam';
import { type ReadOptions, readTarget } from '../in-context/prompts';
import { narrower } from '../in-context/prepared-prompts';
import { checkKnownOptions } from '../known-options';
import type { InteractiveModel } from './encode-image';
import type { EncodedImage } from './encoded-image';

/** Loaded when it is needed: people who segment by example alone need none of it. */
const parts = () => import('./encode-image');

/** How an interactive model is loaded, and where pictures may come from. */
export interface InteractiveLoadOptions extends SamLoadOptions {
  /** Where pictures may come from, in every call. @default all of `files`, `urls` and `memory` */
  readonly sources?: readonly ImageSource[];
}

/** How a picture is read and encoded. */
export interface EncodeOptions extends ReadOptions, RunOptions {}

/**
 * Segments what people point at (SAM, arXiv:2304.02643): a picture is encoded once, and then every click, box or mask is
 * answered in milliseconds. It owns the weights; free them with `dispose()`.
 *
 * @example
 * const segmenter = await InteractiveSegmenter.load();
 * const picture = await segmenter.encode('street.jpg');
 * const { masks } = await picture.segment({ points: [[320, 240]] });
 * console.log(masks[0].area, masks[0].predictedIou);
 * segmenter.dispose();
 */
export class InteractiveSegmenter {
  private constructor(
    private readonly model: InteractiveModel,
    private readonly sources: readonly ImageSource[] | undefined,
  ) {}

  /** The model at the level of tensors. */
  get sam(): Sam {
    return this.model.sam;
  }

  /**
   * Loads a model.
   *
   * @param source a directory, a `.safetensors` or `.pth` file, a hub id such as `facebook/sam-vit-base`, a URL; the bundled
   *   MobileSAM by default.
   * @throws CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(
    source: CheckpointSource = BundledInteractiveModel,
    options: InteractiveLoadOptions = {},
  ): Promise<InteractiveSegmenter> {
    checkKnownOptions(options);
    throwIfAborted(options.signal);
    const { loadInteractiveModel } = await parts();
    return new InteractiveSegmenter(await loadInteractiveModel(source, options), options.sources);
  }

  /** The engine that computes, e.g. `'wasm'` or `'tfjs-webgpu'`. */
  get engine(): string {
    return this.sam.engine.name;
  }

  /** Memory the engine holds, in bytes; on TF.js that of all tensors of the process. */
  memory(): { readonly tensors: number; readonly bytes: number } {
    return this.sam.engine.memory();
  }

  /**
   * Runs the image encoder over a picture, once; what it returns answers clicks.
   *
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async encode(image: ImageInput, options: EncodeOptions = {}): Promise<EncodedImage> {
    this.sam.checkAlive();
    checkKnownOptions(options);
    throwIfAborted(options.signal);
    const sources = narrower(this.sources, options.sources);
    const read = await readTarget(image, { ...options, sources }, 'image');
    const { encodeImage } = await parts();
    return encodeImage(this.model, read, options);
  }

  /**
   * An encoded picture that was sent as bytes.
   *
   * @param bytes what `toBytes()` of an {@link EncodedImage} gave.
   * @throws InvalidInputError if they are none, or a model encoded them whose features this decoder does not read.
   */
  async fromBytes(bytes: Uint8Array): Promise<EncodedImage> {
    this.sam.checkAlive();
    const { imageFromBytes } = await parts();
    return imageFromBytes(this.model, bytes);
  }

  /** Frees the weights and the engine. Calling it again does nothing. */
  dispose(): void {
    this.sam.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

guardMethods(InteractiveSegmenter, ['load']);
guardMethods(InteractiveSegmenter.prototype, ['encode', 'fromBytes']);
