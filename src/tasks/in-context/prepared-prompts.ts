import type { HalfSize } from './half-canvas';
import { imageHalf } from './half-canvas';
import { normalizeColors } from '../../models/seggpt/normalize';
import { countBlocks } from './count-blocks';
import type { Progress } from '../../base/progress';
import type { ColorMapping } from '../../colors/color-mapping';
import type { ImageInput } from '../../images/image-input';
import type { RgbImage } from '../../images/rgb-image';
import type { Painter } from '../../models/seggpt/painter';
import type { PaintingContext } from '../../models/seggpt/painting-context';
import { readTarget, type PromptSet } from './prompts';
import { SegmentationResult } from './result';
import {
  decodeMerged,
  halfSize,
  mergeFits,
  type Pass,
  planPasses,
  type ResolvedOptions,
  stitchPrompts,
  toPaintings,
} from './pipeline';

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface TargetOptions extends RunOptions {
  /** Most pixels the target may have. @default 100 million */
  readonly maxPixels?: number;
}

interface PreparedPass {
  readonly pass: Pass;
  readonly contexts: readonly {
    readonly mapping: ColorMapping;
    readonly context: PaintingContext;
  }[];
}

/**
 * Prompts with everything computed that depends on them alone. Segment any number of targets with it,
 * then free it with `dispose()`.
 */
export class PreparedPrompts {
  private constructor(
    private readonly painter: Painter,
    private readonly set: PromptSet,
    private readonly options: ResolvedOptions,
    private readonly size: HalfSize,
    private readonly passes: readonly PreparedPass[],
  ) {}

  /** Called by `InContextSegmenter.prepare`. */
  static async create(
    painter: Painter,
    set: PromptSet,
    options: ResolvedOptions,
    run: RunOptions,
  ): Promise<PreparedPrompts> {
    const size = halfSize(options, painter);
    const planned = planPasses(set.labels, options);
    const report = countBlocks('prepare', planned, painter.config.mergeIndex + 1, run.onProgress);
    const passes: PreparedPass[] = [];
    const made: PaintingContext[] = [];
    try {
      for (const pass of planned) {
        const contexts = [];
        for (const mapping of pass.mappings) {
          const halves = stitchPrompts(set, mapping, options.ensemble, size);
          const step = { signal: run.signal, onProgress: report };
          const context = await painter.prepare(
            halves,
            options.task,
            options.ensemble === 'feature',
            step,
          );
          made.push(context);
          contexts.push({ mapping, context });
        }
        passes.push({ pass, contexts });
      }
      return new PreparedPrompts(painter, set, options, size, passes);
    } catch (error) {
      for (const context of made) context.dispose();
      throw error;
    }
  }

  /** Labels the prompts show, in increasing order. */
  get labels(): readonly number[] {
    return this.set.labels;
  }

  /**
   * Segments one target.
   *
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async segment(target: ImageInput, options: TargetOptions = {}): Promise<SegmentationResult> {
    return this.segmentImage(await readTarget(target, options), options);
  }

  /** Segments a picture that has been read already. */
  async segmentImage(
    image: RgbImage,
    { signal, onProgress }: RunOptions = {},
  ): Promise<SegmentationResult> {
    const { painter, size } = this;
    const half = normalizeColors(imageHalf(image, size));
    const plan = this.passes.map(({ pass }) => pass);
    const report = countBlocks('paint', plan, painter.config.depth, onProgress);
    const passes = [];
    for (const { pass, contexts } of this.passes) {
      const paintings = [];
      for (const { mapping, context } of contexts) {
        const painted = await painter.paintTarget(context, half, { signal, onProgress: report });
        paintings.push(...toPaintings({ mapping, painted }, size));
      }
      passes.push({ labels: pass.labels, paintings });
    }
    const decoded = decodeMerged(
      mergeFits(passes),
      [image.height, image.width],
      this.options.upsampling,
    );
    const paintings = passes.flatMap((pass) => pass.paintings);
    return new SegmentationResult(
      image,
      decoded,
      this.set.labels,
      this.set.names,
      paintings,
      painter.engine.name,
    );
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    for (const { contexts } of this.passes) for (const { context } of contexts) context.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
