import { throwIfAborted } from '../../base/abort';
import { InvalidInputError } from '../../base/errors';
import type { RunOptions } from '../../base/progress';
import { BundledInteractiveModel } from '../../checkpoints/checkpoint-files';
import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import type { ImageInput, ImageSource } from '../../images/image-input';
import { Sam, type SamLoadOptions } from '../../models/sam/sam';
import { type ReadOptions, readTarget } from '../in-context/prompts';
import { narrower } from '../in-context/prepared-prompts';
import { checkKnownOptions } from '../known-options';
import { encodedFromBytes } from './encoded-bytes';
import { EncodedImage } from './encoded-image';
import { PictureContexts } from './picture-contexts';
import { fitSquare, toSquare } from './square';

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
  private readonly contexts: PictureContexts;

  private constructor(
    /** The model at the level of tensors. */
    readonly sam: Sam,
    private readonly sources: readonly ImageSource[] | undefined,
  ) {
    this.contexts = new PictureContexts(sam);
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
    return new InteractiveSegmenter(await Sam.load(source, options), options.sources);
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
    const { signal, onProgress } = options;
    throwIfAborted(signal);
    const sources = narrower(this.sources, options.sources);
    const read = await readTarget(image, { ...options, sources }, 'image');
    const { width, height } = read;
    const fit = fitSquare(width, height, this.sam.config.imageSize);
    const features = await this.sam.encode(toSquare(read, fit), {
      signal,
      onProgress:
        onProgress &&
        ((fraction) =>
          onProgress({ stage: 'encode', loaded: Math.round(fraction * 100), total: 100 })),
    });
    return new EncodedImage(this.sam, this.contexts, width, height, features, read);
  }

  /**
   * An encoded picture that was sent as bytes.
   *
   * @param bytes what `toBytes()` of an {@link EncodedImage} gave.
   * @throws InvalidInputError if they are none, or a model encoded them whose features this decoder does not read.
   */
  async fromBytes(bytes: Uint8Array): Promise<EncodedImage> {
    this.sam.checkAlive();
    const { width, height, model, features } = await encodedFromBytes(bytes);
    if (model !== this.sam.fingerprint)
      throw new InvalidInputError(
        'bytes',
        `were encoded for another model (${model}) than this one (${this.sam.fingerprint}); encode and decode with the same weights.`,
      );
    if (features.length !== this.sam.gridSide ** 2 * this.sam.config.channels)
      throw new InvalidInputError('bytes', 'hold features of another size than this model makes.');
    return new EncodedImage(this.sam, this.contexts, width, height, features);
  }

  /** Frees the weights and the engine. Calling it again does nothing. */
  dispose(): void {
    this.sam.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
