import { throwIfAborted } from '../../base/abort';
import { InvalidInputError } from '../../base/errors';
import { guardMethods } from '../../base/guard';
import type { RunOptions } from '../../base/progress';
import { BundledInteractiveModel } from '../../checkpoints/checkpoint-files';
import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import type { ImageInput, ImageSource } from '../../images/image-input';
import type { DinoLoadOptions } from '../../models/dino/dino';
import { narrower } from '../in-context/prepared-prompts';
import { type ReadOptions, readTarget } from '../in-context/prompts';
import { checkKnownOptions } from '../known-options';
import { type FeatureEncoder, loadEncoder } from './encoders';
import type { FeatureGrid } from './feature-grid';

/** How an encoder is loaded, and where pictures may come from. */
export interface FeatureLoadOptions extends DinoLoadOptions {
  /** Where pictures may come from, in every call. @default all of `files`, `urls` and `memory` */
  readonly sources?: readonly ImageSource[];
}

/** How a picture is read and encoded. */
export interface FeatureOptions extends ReadOptions, RunOptions {
  /**
   * Pixels on the picture's longer side as the model sees it, rounded to whole patches. More give a finer grid, in a time that
   * grows with its square. @default the size that the model was trained at; 512 of DINOv3. SAM has one alone.
   */
  readonly resolution?: number;
}

/**
 * What image encoders see, for whoever matches, sorts or clusters pictures: DINO, DINOv2, DINOv3, a MAE's or SAM's encoder over any
 * picture. It owns the weights; free them with `dispose()`.
 *
 * @example
 * const extractor = await FeatureExtractor.load('facebook/dinov2-small');
 * const [a, b] = [await extractor.encode('cat-1.jpg'), await extractor.encode('cat-2.jpg')];
 * const alike = b.similarity(a.at(320, 240)); // where b looks like what a shows there
 * extractor.dispose();
 */
export class FeatureExtractor {
  private constructor(
    private readonly encoder: FeatureEncoder,
    private readonly sources: readonly ImageSource[] | undefined,
  ) {}

  /**
   * Loads an encoder.
   *
   * @param source a directory, a `.safetensors` or `.pth` file, a hub id such as `facebook/dinov2-small`, a URL; the bundled
   *   MobileSAM's encoder by default.
   * @throws InvalidInputError, CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(
    source: CheckpointSource = BundledInteractiveModel,
    options: FeatureLoadOptions = {},
  ): Promise<FeatureExtractor> {
    checkKnownOptions(options);
    throwIfAborted(options.signal);
    return new FeatureExtractor(await loadEncoder(source, options), options.sources);
  }

  /** The engine that computes, e.g. `'wasm'` or `'tfjs-webgpu'`. */
  get engine(): string {
    return this.encoder.engine;
  }

  /** Numbers that stand for each cell. */
  get channels(): number {
    return this.encoder.channels;
  }

  /**
   * Runs the encoder over a picture.
   *
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async encode(image: ImageInput, options: FeatureOptions = {}): Promise<FeatureGrid> {
    this.encoder.checkAlive();
    checkKnownOptions(options);
    const { signal, onProgress, resolution } = options;
    throwIfAborted(signal);
    if (resolution !== undefined && !(resolution >= 1 && Number.isFinite(resolution)))
      throw new InvalidInputError(
        'resolution',
        `must be a number of pixels above 0, is ${String(resolution)}.`,
      );
    const sources = narrower(this.sources, options.sources);
    const read = await readTarget(image, { ...options, sources }, 'image');
    return this.encoder.encode(read, resolution, {
      signal,
      onProgress:
        onProgress &&
        ((fraction) =>
          onProgress({ stage: 'encode', loaded: Math.round(fraction * 100), total: 100 })),
    });
  }

  /** Frees the weights and the engine. Calling it again does nothing. */
  dispose(): void {
    this.encoder.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

guardMethods(FeatureExtractor, ['load']);
guardMethods(FeatureExtractor.prototype, ['encode']);
