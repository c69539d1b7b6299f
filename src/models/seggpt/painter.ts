import { guardMethods } from '../../base/guard';
import ndarray, { type NdArray } from 'ndarray';
import {
  type CheckpointSource,
  openCheckpoint,
  type OpenOptions,
} from '../../checkpoints/open-checkpoint';
import { createEngine } from '../../engines/create-engine';
import { checkEngineOptions, type EngineOptions } from '../../engines/engine-options';
import type { Engine, EngineTensor } from '../../engines/engine';
import { throwIfAborted } from '../../base/abort';
import { DisposedError, InvalidInputError } from '../../base/errors';
import { countParameters } from '../parameter-table';
import type { PainterConfig, PictureSize } from './config';
import { describePainter } from './family';
import { blockSpec, painterParameters } from './parameter-table';
import { drive } from '../../nn/drive';
import { type CanvasBatch, readBatch, type PaintInputs } from './inputs';
import {
  type BlockOutput,
  canvasPlan,
  PainterModel,
  type Positions,
  targetPlan,
  type Task,
} from './model';
import { PaintingContext } from './painting-context';
import { loadParameters } from './parameters';
import { SharedPositions } from './shared-positions';
import { halfLength, type TokenLayout } from './token-layout';

/** How a painter is loaded: where from, and on which engine. */
export interface PainterLoadOptions extends OpenOptions, EngineOptions {}

/** How prompts are prepared. */
export interface PrepareOptions {
  /** Which type token is added. */
  readonly task: Task;
  /** Join the prompts under one target (feature ensemble); otherwise each paints by itself. */
  readonly joinPrompts: boolean;
}

/** Halves of canvases with their masks, as plain data in normalised colours. */
export interface PromptHalves {
  /** `N` */
  readonly count: number;
  /** Height of a half and width, in pixels: multiples of the patch. */
  readonly height: number;
  /** In pixels, a multiple of the patch. */
  readonly width: number;
  /** `(N, height, width, 3)` each. */
  readonly images: Float32Array;
  /** `(N, height, width, 3)` normalised colours. */
  readonly masks: Float32Array;
}

/** How long work at the level of tensors is stopped and watched. */
export interface StepOptions {
  /** Looked at after every transformer block. */
  readonly signal?: AbortSignal;
  /** Called after every transformer block with the fraction done, 0 … 1. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * The painting model at the level of tensors: canvases of normalised colours in, painted canvases out.
 * Most callers want `InContextSegmenter`, which speaks of images and masks.
 *
 * Colours are normalised with ImageNet's mean and standard deviation (see `normalizeColors`). Layout is
 * NHWC, dtype float32. A painter owns its weights; free them with `dispose()`.
 */
export class Painter {
  private disposed = false;
  private readonly positions: SharedPositions;
  /** Contexts that nobody has disposed yet. */
  private readonly contexts = new Set<PaintingContext>();

  private constructor(
    /** Weights and architecture, for those who drive the blocks themselves. */
    readonly model: PainterModel,
    /** Number of parameters. */
    readonly parameterCount: number,
    /** Size of one half of a canvas that the model asks for, in pixels. */
    readonly inputSize: PictureSize,
  ) {
    this.positions = new SharedPositions(model);
  }

  /**
   * Loads a checkpoint: a Hugging Face directory or hub id, a `.safetensors` or `.pth` file, a base URL.
   *
   * @throws InvalidInputError, CheckpointError, DownloadError, BackendError, AbortedError
   */
  static async load(source: CheckpointSource, options: PainterLoadOptions = {}): Promise<Painter> {
    const { signal, onProgress } = options;
    throwIfAborted(signal);
    checkEngineOptions(options);
    const checkpoint = await openCheckpoint(source, options);
    try {
      const { source: named, config, inputSize } = describePainter(checkpoint);
      const { expand } = blockSpec(config, 0);
      const stored = named.entries.get(expand.weight.name);
      const { backend, precision, threads, deterministic } = options;
      const preferredPrecision = stored?.dtype === 'I8' ? 'int8' : 'f32';
      const engine = await createEngine({
        ...{ backend, precision, preferredPrecision, threads, deterministic },
      });
      try {
        const report =
          onProgress &&
          ((step: { loaded: number; total: number }) => onProgress({ stage: 'load', ...step }));
        const parameters = await loadParameters(engine, config, named, report, signal);
        const count = countParameters(painterParameters(config));
        return new Painter(new PainterModel(engine, config, parameters), count, inputSize);
      } catch (error) {
        engine.release();
        throw error;
      }
    } finally {
      await checkpoint.close();
    }
  }

  /** The architecture. */
  get config(): PainterConfig {
    return this.model.config;
  }

  /** What computes. */
  get engine(): Engine {
    return this.model.engine;
  }

  /**
   * Paints the masked patches of a batch of canvases.
   *
   * @returns `(N, H, W, 3)` whole canvases, or target halves `(M, H/2, W, 3)` where `M` is 1 under
   *   feature ensemble and `N` otherwise; normalised colours, float32.
   * @throws InvalidInputError if shapes do not fit together or are not multiples of the patch.
   */
  async paint(inputs: PaintInputs, options: StepOptions = {}): Promise<NdArray<Float32Array>> {
    this.checkAlive();
    throwIfAborted(options.signal);
    const batch = readBatch(inputs, this.config.patch);
    const { engine } = this;
    let painted: EngineTensor | undefined;
    const positions = this.positions.take(
      { rows: 2 * batch.layout.rows, columns: batch.layout.columns },
      batch.task,
    );
    try {
      painted = await drive(
        engine,
        this.paintBatch(batch, positions),
        options.signal,
        this.progress(options),
      );
      const values = await engine.download(painted);
      return batch.output === 'canvas'
        ? ndarray(values, [...painted.shape])
        : ndarray(this.dropSeam(values, painted.shape), [
            painted.shape[0],
            batch.height / 2,
            batch.width,
            3,
          ]);
    } finally {
      if (painted) engine.dispose(painted);
      this.positions.release(positions);
    }
  }

  /** The blocks of {@link Painter.paint}, for callers that want to watch or differentiate them. */
  *paintBatch(batch: CanvasBatch, positions: Positions) {
    const { model, engine } = this;
    const { layout, averageTargets, skipUnread } = batch;
    const shape = [layout.prompts + layout.targets, batch.height / 2, batch.width, 3];
    const embed = (pixels: Float32Array, stream: 'image' | 'mask') =>
      engine.tidy(() => {
        const masked = stream === 'mask' ? batch.masked : undefined;
        return model.embed(engine.upload(pixels, shape), stream, layout, positions, masked);
      });
    const mask = yield* model.encodeStream(embed(batch.masks, 'mask'), 'mask', layout, positions, {
      averageTargets,
    });
    let merged;
    try {
      const image = yield* model.encodeStream(
        embed(batch.images, 'image'),
        'image',
        layout,
        positions,
        { averageTargets },
      );
      merged = engine.mean([image, mask]);
      engine.dispose(image);
    } finally {
      engine.dispose(mask);
    }
    const plan = batch.output === 'canvas' ? canvasPlan(layout) : targetPlan(layout);
    return yield* model.paintMerged(merged, layout, positions, plan, {
      averageTargets,
      skipUnread: skipUnread && batch.output === 'target',
    });
  }

  /**
   * Computes what depends on prompts alone. The caller disposes the context.
   *
   * @throws AbortedError, DisposedError
   */
  async prepare(
    prompts: PromptHalves,
    { task, joinPrompts }: PrepareOptions,
    options: StepOptions = {},
  ): Promise<PaintingContext> {
    this.checkAlive();
    throwIfAborted(options.signal);
    const { model, engine } = this;
    const { count, height, width } = prompts;
    const layout: TokenLayout = {
      prompts: count,
      targets: joinPrompts ? 1 : count,
      rows: height / this.config.patch,
      columns: width / this.config.patch,
    };
    const grid = { rows: 2 * layout.rows, columns: layout.columns };
    const positions = this.positions.take(grid, task);
    const Lh = halfLength(layout);
    try {
      const [promptTokens, maskTokens] = engine.tidy(() => {
        const alone = { ...layout, targets: 0 };
        const images = engine.upload(prompts.images, [count, height, width, 3]);
        const masks = new Float32Array((count + layout.targets) * height * width * 3);
        masks.set(prompts.masks); // what stands in target halves is masked anyway
        const masked = new Uint8Array((count + layout.targets) * Lh).fill(1, count * Lh);
        const halves = engine.upload(masks, [count + layout.targets, height, width, 3]);
        return [
          model.embed(images, 'image', alone, positions),
          model.embed(halves, 'mask', layout, positions, masked),
        ];
      });
      try {
        const steps = model.encodeStream(maskTokens, 'mask', layout, positions);
        const maskStream = await drive(
          engine,
          steps,
          options.signal,
          this.progress(options, this.config.mergeIndex + 1),
        );
        const context = new PaintingContext(
          engine,
          layout,
          positions,
          promptTokens,
          maskStream,
          (disposed) => {
            this.contexts.delete(disposed);
            this.positions.release(positions);
          },
        );
        this.contexts.add(context);
        return context;
      } catch (error) {
        engine.dispose(promptTokens);
        throw error;
      }
    } catch (error) {
      this.positions.release(positions);
      throw error;
    }
  }

  /**
   * Paints one target under prepared prompts.
   *
   * @param target `(height, width, 3)` normalised colours, of the size of the prompts' halves.
   * @returns `(M, height, width, 3)` normalised colours: one painting, or one per prompt without
   *   feature ensemble.
   * @throws DisposedError if the context or the painter is disposed before the end.
   */
  async paintTarget(
    context: PaintingContext,
    target: Float32Array,
    options: StepOptions = {},
  ): Promise<Float32Array> {
    this.checkAlive();
    throwIfAborted(options.signal);
    const { model, engine } = this;
    const { layout, positions, tokens } = context;
    const { patch } = this.config;
    const [height, width] = [layout.rows * patch, layout.columns * patch];
    if (target.length !== height * width * 3) {
      throw new InvalidInputError(
        'target',
        `must hold ${height} x ${width} x 3 values, has ${target.length}.`,
      );
    }
    const steps = function* () {
      const all = engine.tidy(() => {
        const alone = { ...layout, prompts: 0, targets: 1 };
        const half = model.embed(
          engine.upload(target, [1, height, width, 3]),
          'image',
          alone,
          positions,
        );
        return engine.concatRows([
          tokens.prompts,
          ...Array.from({ length: layout.targets }, () => half),
        ]);
      });
      const image = yield* model.encodeStream(all, 'image', layout, positions);
      let merged;
      try {
        merged = engine.mean([image, context.tokens.maskStream]);
      } finally {
        engine.dispose(image);
      }
      return yield* model.paintMerged(merged, layout, positions, targetPlan(layout), {
        skipUnread: true,
      });
    };
    let painted: EngineTensor | undefined;
    try {
      const progress = this.progress(options, this.config.depth);
      painted = await drive(engine, steps(), options.signal, progress);
      throwIfAborted(options.signal);
      return this.dropSeam(await engine.download(painted), painted.shape);
    } catch (error) {
      context.checkAlive(); // an engine names only the tensor that was freed under its work
      throw error;
    } finally {
      if (painted) engine.dispose(painted);
    }
  }

  /** Frees the weights, contexts that were not disposed, and the engine. Calling it again does nothing. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const context of this.contexts) context.dispose();
    this.engine.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @throws DisposedError */
  checkAlive(): void {
    if (this.disposed) throw new DisposedError('This painter was disposed; load the model again.');
  }

  /** Cuts off the token row of the prompt half that was decoded for the convolution's sake. */
  private dropSeam(values: Float32Array, shape: readonly number[]): Float32Array {
    const [count, height, width] = shape;
    const size = height * width * 3;
    const seam = this.config.patch * width * 3;
    const result = new Float32Array(count * (size - seam));
    for (let i = 0; i < count; i++)
      result.set(values.subarray(i * size + seam, (i + 1) * size), i * (size - seam));
    return result;
  }

  private progress(
    { onProgress }: StepOptions,
    blocks = this.config.depth + this.config.mergeIndex + 1,
  ) {
    let done = 0;
    return onProgress && ((_: BlockOutput) => onProgress(Math.min(1, ++done / blocks)));
  }
}

guardMethods(Painter, ['load']);
guardMethods(Painter.prototype, ['paint', 'prepare', 'paintTarget']);
