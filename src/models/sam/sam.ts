import { throwIfAborted } from '../../base/abort';
import { DisposedError, InvalidInputError } from '../../base/errors';
import {
  type CheckpointSource,
  openCheckpoint,
  type OpenOptions,
} from '../../checkpoints/open-checkpoint';
import { createEngine } from '../../engines/create-engine';
import type { Engine, EngineTensor, PictureGrid } from '../../engines/engine';
import { checkEngineOptions, type EngineOptions } from '../../engines/engine-options';
import { drive } from '../../nn/drive';
import { countParameters } from '../parameter-table';
import { WeightReader } from '../weight-reader';
import type { SamConfig } from './config';
import { describeSam } from './family';
import type { ImageEncoder } from './image-encoder';
import { type DecoderOutput, type ImageContext, MaskDecoder } from './mask-decoder';
import { samParameters, samSpec, type TinyVitSpec, type VitSpec } from './parameter-table';
import { PromptEncoder, type SamPrompt } from './prompt-encoder';
import { TinyVitEncoder } from './tiny-vit-encoder';
import { VitEncoder } from './vit-encoder';

/** How a SAM model is loaded: where from, and on which engine. */
export interface SamLoadOptions extends OpenOptions, EngineOptions {}

/** How long work is stopped and watched. */
export interface EncodeStepOptions {
  /** Looked at after every block. */
  readonly signal?: AbortSignal;
  /** Called after every block with the fraction done, 0 … 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** Prompts whose tokens go through the decoder together. */
const TOGETHER = 8;

/**
 * SAM at the level of tensors (Kirillov et al. 2023, arXiv:2304.02643): squares of pixels to features, prompts to masks. Most
 * callers want `InteractiveSegmenter`, which speaks of images. A model owns its weights; free them with `dispose()`.
 */
export class Sam {
  private gone = false;

  private constructor(
    /** What computes. */
    readonly engine: Engine,
    /** The architecture. */
    readonly config: SamConfig,
    /** Number of parameters. */
    readonly parameterCount: number,
    private readonly encoder: ImageEncoder,
    private readonly prompts: PromptEncoder,
    private readonly decoder: MaskDecoder,
  ) {}

  /**
   * Loads a checkpoint: a Hugging Face directory or hub id, a `.safetensors` or `.pth` file, a base URL.
   *
   * @throws InvalidInputError, CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(source: CheckpointSource, options: SamLoadOptions = {}): Promise<Sam> {
    const { signal, onProgress, backend, precision, threads, deterministic } = options;
    throwIfAborted(signal);
    checkEngineOptions(options);
    const checkpoint = await openCheckpoint(source, options);
    try {
      const { source: named, config } = describeSam(checkpoint);
      const parameters = samParameters(config);
      const int8 = parameters.some(({ name }) => named.entries.get(name)?.dtype === 'I8');
      const preferredPrecision = int8 ? 'int8' : 'f32';
      const engine = await createEngine({
        ...{ backend, precision, preferredPrecision, threads, deterministic },
      });
      try {
        const report =
          onProgress &&
          ((step: { loaded: number; total: number }) => onProgress({ stage: 'load', ...step }));
        const reader = new WeightReader(engine, named, parameters.length, report, signal);
        const spec = samSpec(config);
        const { encoder: kind } = config;
        const encoder =
          kind.kind === 'vit'
            ? await VitEncoder.load(reader, config, kind, spec.encoder as VitSpec)
            : await TinyVitEncoder.load(reader, config, kind, spec.encoder as TinyVitSpec);
        const prompts = await PromptEncoder.load(reader, config, spec.prompts);
        const decoder = await MaskDecoder.load(reader, config, spec.decoder, prompts);
        await reader.settle();
        return new Sam(engine, config, countParameters(parameters), encoder, prompts, decoder);
      } catch (error) {
        engine.release();
        throw error;
      }
    } finally {
      await checkpoint.close();
    }
  }

  /**
   * Which features this model's decoder reads: those of models with the same one. Encoders that were trained for one decoder,
   * as MobileSAM's and SAM ViT-H's, share it.
   */
  get fingerprint(): string {
    const { imageSize, patch, channels } = this.config;
    return `sam-${imageSize}-${patch}-${channels}-${this.prompts.fingerprint}`;
  }

  /** `G`, places to a side of the features. */
  get gridSide(): number {
    return this.config.imageSize / this.config.patch;
  }

  /**
   * Features of a square of pixels.
   *
   * @param pixels `(S, S, 3)` normalised colours (see `normalizeColors`), zeros where the picture is padded.
   * @returns `(G * G, channels)` row-major, float32.
   * @throws InvalidInputError, AbortedError, DisposedError
   */
  async encode(pixels: Float32Array, options: EncodeStepOptions = {}): Promise<Float32Array> {
    this.checkAlive();
    throwIfAborted(options.signal);
    const { engine, config } = this;
    const { imageSize: side } = config;
    if (pixels.length !== side * side * 3)
      throw new InvalidInputError(
        'pixels',
        `must be (${side}, ${side}, 3), has ${pixels.length} values.`,
      );
    const { onProgress } = options;
    const input = engine.upload(pixels, [1, side, side, 3]);
    let features: EngineTensor | undefined;
    try {
      features = await drive(
        engine,
        this.encoder.encode(engine, input),
        options.signal,
        onProgress && (({ fraction }) => onProgress(fraction)),
      );
      return await engine.download(features);
    } finally {
      engine.dispose(input);
      if (features) engine.dispose(features);
    }
  }

  /**
   * What the stages of MobileSAM's encoder see of a picture of any size in steps of 32 pixels, and its neck.
   *
   * @param pixels `(rows, columns, 3)` normalised colours, zeros where the picture is padded.
   * @returns `(rows * columns, channels)` on the engine each, with their grids; the caller disposes them.
   * @throws InvalidInputError if the model has another encoder; AbortedError, DisposedError
   */
  async encodeStages(
    pixels: Float32Array,
    rows: number,
    columns: number,
    { signal, onProgress }: EncodeStepOptions = {},
  ): Promise<{ readonly stages: readonly EngineTensor[]; readonly grids: readonly PictureGrid[] }> {
    this.checkAlive();
    throwIfAborted(signal);
    const { engine, encoder } = this;
    if (!(encoder instanceof TinyVitEncoder))
      throw new InvalidInputError(
        'interactiveModel',
        "has no stages: only MobileSAM's encoder has.",
      );
    const input = engine.upload(pixels, [1, rows, columns, 3]);
    try {
      const stages = await drive(
        engine,
        encoder.stages(engine, input),
        signal,
        onProgress && (({ fraction }) => onProgress(fraction)),
      );
      return { stages, grids: encoder.gridsOf(rows, columns) };
    } finally {
      engine.dispose(input);
    }
  }

  /**
   * Puts a picture's features on the engine, with what all its prompts share. Free it with `release`.
   *
   * @param features `(G * G, channels)` as {@link Sam.encode} gives them.
   */
  prepare(features: Float32Array): ImageContext {
    this.checkAlive();
    const rows = this.gridSide ** 2;
    if (features.length !== rows * this.config.channels)
      throw new InvalidInputError(
        'features',
        `must be (${rows}, ${this.config.channels}), has ${features.length} values.`,
      );
    const uploaded = this.engine.upload(features, [rows, this.config.channels]);
    return this.decoder.prepare(this.engine, uploaded, this.prompts.noMask);
  }

  /** Frees what {@link Sam.prepare} made. */
  release(context: ImageContext): void {
    if (!this.gone) this.engine.dispose(context.features, context.unmasked, context.products);
  }

  /**
   * Masks for prompts of one picture.
   *
   * @param multimask three masks for each prompt (whole, part, subpart) instead of one.
   * @returns logits `(P, M, 4G, 4G)` over the padded square and what IoU the model expects of each.
   */
  async decode(
    context: ImageContext,
    prompts: readonly SamPrompt[],
    multimask: boolean,
    signal?: AbortSignal,
  ): Promise<DecoderOutput> {
    this.checkAlive();
    const { engine } = this;
    const parts: DecoderOutput[] = [];
    for (let at = 0; at < prompts.length; at += TOGETHER) {
      throwIfAborted(signal);
      const some = prompts.slice(at, at + TOGETHER).map((prompt) => ({
        tokens: this.prompts.tokens(prompt),
        ...(prompt.mask && { mask: prompt.mask }),
      }));
      parts.push(
        await this.decoder.decode(engine, context, some, multimask, (logits) =>
          this.prompts.embedMask(engine, logits),
        ),
      );
    }
    if (parts.length === 1) return parts[0];
    const { masks, side } = parts[0];
    const logits = new Float32Array(prompts.length * masks * side * side);
    const iou = new Float32Array(prompts.length * masks);
    parts.forEach((part, i) => {
      logits.set(part.logits, i * TOGETHER * masks * side * side);
      iou.set(part.iou, i * TOGETHER * masks);
    });
    return { masks, side, logits, iou };
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.gone;
  }

  /** @throws DisposedError after `dispose()`. */
  checkAlive(): void {
    if (this.gone) throw new DisposedError('This model was disposed; load it again.');
  }

  /** Frees the weights and the engine. Calling it again does nothing. */
  dispose(): void {
    if (this.gone) return;
    this.gone = true;
    this.engine.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
