import { throwIfAborted } from '../../base/abort';
import { DisposedError, InvalidInputError } from '../../base/errors';
import {
  type CheckpointSource,
  openCheckpoint,
  type OpenOptions,
} from '../../checkpoints/open-checkpoint';
import { createEngine } from '../../engines/create-engine';
import type { Engine } from '../../engines/engine';
import { checkEngineOptions, type EngineOptions } from '../../engines/engine-options';
import { drive } from '../../nn/drive';
import { countParameters } from '../parameter-table';
import { WeightReader } from '../weight-reader';
import type { DinoConfig } from './config';
import { DinoEncoder } from './encoder';
import { describeDino } from './family';
import { dinoParameters } from './parameter-table';

/** How a model is loaded: where from, and on which engine. */
export interface DinoLoadOptions extends OpenOptions, EngineOptions {}

/** How long work is stopped and watched. */
export interface DinoStepOptions {
  /** Looked at after every block. */
  readonly signal?: AbortSignal;
  /** Called after every block with the fraction done, 0 … 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** What a model sees of a picture, after its last norm: float32. */
export interface DinoTokens {
  /** Of the grid of patches. */
  readonly rows: number;
  /** Of the grid of patches. */
  readonly columns: number;
  /** `D`, channels. */
  readonly width: number;
  /** `(D)`: the class token, which stands for the picture as a whole. */
  readonly classToken: Float32Array;
  /** `(registers, D)` */
  readonly registers: Float32Array;
  /** `(rows * columns, D)`, row by row of the grid. */
  readonly patches: Float32Array;
}

/**
 * DINO, DINOv2, DINOv3 or a MAE's encoder at the level of tensors: normalised pixels to tokens. Most callers want
 * `FeatureExtractor`, which speaks of images. A model owns its weights; free them with `dispose()`.
 */
export class Dino {
  private gone = false;

  private constructor(
    /** What computes. */
    readonly engine: Engine,
    /** The architecture. */
    readonly config: DinoConfig,
    /** Number of parameters. */
    readonly parameterCount: number,
    /** The checkpoint's parsed `preprocessor_config.json`, where it has one. */
    readonly preprocessor: unknown,
    private readonly encoder: DinoEncoder,
  ) {}

  /**
   * Loads a checkpoint: a Hugging Face directory or hub id, a `.safetensors` or `.pth` file, a base URL.
   *
   * @throws InvalidInputError, CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(source: CheckpointSource, options: DinoLoadOptions = {}): Promise<Dino> {
    const { signal, onProgress, backend, precision, threads, deterministic } = options;
    throwIfAborted(signal);
    checkEngineOptions(options);
    const checkpoint = await openCheckpoint(source, options);
    try {
      const { source: named, config } = describeDino(checkpoint);
      const parameters = dinoParameters(config);
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
        const encoder = await DinoEncoder.load(reader, config);
        await reader.settle();
        const count = countParameters(parameters);
        return new Dino(engine, config, count, checkpoint.preprocessor, encoder);
      } catch (error) {
        engine.release();
        throw error;
      }
    } finally {
      await checkpoint.close();
    }
  }

  /**
   * Tokens of a picture of any size in whole patches.
   *
   * @param pixels `(height, width, 3)` normalised colours.
   * @throws InvalidInputError for a size that is no multiple of the patch's; AbortedError, DisposedError
   */
  async encode(
    pixels: Float32Array,
    height: number,
    width: number,
    { signal, onProgress }: DinoStepOptions = {},
  ): Promise<DinoTokens> {
    this.checkAlive();
    throwIfAborted(signal);
    const { engine, config } = this;
    const { patch, registers, width: channels } = config;
    if (!(height > 0 && width > 0 && height % patch === 0 && width % patch === 0))
      throw new InvalidInputError(
        'pixels',
        `must have sides of a multiple of ${patch} pixels, are ${width} x ${height}.`,
      );
    if (pixels.length !== height * width * 3)
      throw new InvalidInputError(
        'pixels',
        `must be (${height}, ${width}, 3), has ${pixels.length} values.`,
      );
    const [rows, columns] = [height / patch, width / patch];
    const input = engine.upload(pixels, [1, height, width, 3]);
    try {
      const tokens = await drive(
        engine,
        this.encoder.encode(engine, input, rows, columns),
        signal,
        onProgress && (({ fraction }) => onProgress(fraction)),
      );
      const all = await engine.download(tokens).finally(() => engine.dispose(tokens));
      const part = (from: number, to: number) => all.slice(from * channels, to * channels);
      return {
        ...{ rows, columns, width: channels },
        classToken: part(0, 1),
        registers: part(1, 1 + registers),
        patches: part(1 + registers, 1 + registers + rows * columns),
      };
    } finally {
      engine.dispose(input);
    }
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
