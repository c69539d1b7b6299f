import type { RunOptions } from '../../base/progress';
import { decodeFits } from '../../colors/decode';
import type { ImageInput } from '../../images/image-input';
import type { RgbImage } from '../../images/rgb-image';
import type { Painter } from '../../models/seggpt/painter';
import { checkKnownOptions } from '../known-options';
import { imageHalf } from './half-canvas';
import { gridPrompt, halfPrompt } from './half-prompts';
import { halfSize, type ResolvedOptions } from './options';
import { PaintingSession } from './painting-session';
import { type MergedFits, mergeFits, planPasses } from './passes';
import { type PromptSet, readTarget, type TargetOptions } from './prompts';
import type { EncodedImage } from '../interactive/encoded-image';
import type { ContextSession } from './context-session';
import type { HelperModel } from './helper-model';
import { joinContext } from './join-context';
import { keepPresent } from './present-labels';
import { refineFits } from './refine-fits';
import { SegmentationResult } from './result';

/**
 * Prompts with everything computed that depends on them alone. Segment any number of targets with it,
 * then free it with `dispose()`.
 */
export class PreparedPrompts {
  private constructor(
    private readonly painter: Painter,
    private readonly set: PromptSet,
    private readonly options: ResolvedOptions,
    private readonly reading: Pick<
      TargetOptions,
      'maxPixels' | 'sources' | 'orientation' | 'window'
    >,
    private readonly session: PaintingSession,
    private readonly helper: HelperModel,
    private readonly context: ContextSession | undefined,
  ) {}

  /** Called by `InContextSegmenter.prepare`. */
  static async create(
    painter: Painter,
    set: PromptSet,
    options: ResolvedOptions,
    run: TargetOptions,
    helper: HelperModel,
  ): Promise<PreparedPrompts> {
    const size = halfSize(options, painter);
    const { maxPixels, sources, orientation, window } = run;
    const reading = { maxPixels, sources, orientation, window };
    const prompts =
      options.ensemble === 'spatial'
        ? [gridPrompt(set.prompts, size)]
        : set.prompts.map((prompt) => halfPrompt(prompt, size));
    const plan = {
      size,
      task: options.task,
      passes: planPasses(set.labels, options, set.ownColors),
      joinPrompts: options.ensemble === 'feature',
    };
    const session = await PaintingSession.prepare(painter, prompts, plan, run);
    const context = await prepareContext(set, options, run, helper).catch((error) => {
      session.dispose();
      throw error;
    });
    // The full prompts have been squeezed: only their labels are needed from here on.
    const kept = { ...set, prompts: [] };
    return new PreparedPrompts(painter, kept, options, reading, session, helper, context);
  }

  /** Labels the prompts show, in increasing order. */
  get labels(): readonly number[] {
    return this.set.labels;
  }

  /**
   * Segments one target.
   *
   * @param options limits that were given to `prepare` hold here unless they are given again.
   * @throws InvalidInputError, ImageError, AbortedError, DisposedError
   */
  async segment(target: ImageInput, options: TargetOptions = {}): Promise<SegmentationResult> {
    checkKnownOptions(options);
    const { maxPixels, orientation, window } = this.reading;
    const given = {
      maxPixels: options.maxPixels ?? maxPixels,
      orientation: options.orientation ?? orientation,
      window: options.window ?? window,
      sources: narrower(this.reading.sources, options.sources),
    };
    const image = await readTarget(target, { ...options, ...given });
    return this.segmentImage(image, options);
  }

  /** Segments a picture that has been read already. */
  async segmentImage(image: RgbImage, run: RunOptions = {}): Promise<SegmentationResult> {
    const half = imageHalf(image, this.session.plan.size);
    const passes = await this.session.paint(half, run);
    const { upsampling } = this.options;
    const { patch } = this.painter.config;
    const scale = (image.width * image.height) / (half.length / 3);
    const read = await this.context?.read(image, run.signal);
    const merged = mergeFits(passes);
    read?.release();
    const joined = read ? joinContext(merged, read, this.set.labels) : merged;
    const isSeen = (label: number) => (read?.presence[this.set.labels.indexOf(label)] ?? -1) > 0;
    const kept = keepPresent(passes, joined, this.options, scale, patch, isSeen);
    const painted = upsampling === 'guided' ? refineFits(kept.fits, half, patch) : kept.fits;
    const encoding = new Encoding(() => this.helper.encode(image, run));
    const fits =
      this.options.refine === 'sam' ? await sharpen(painted, () => encoding.get(), run) : painted;
    const { planes, labels, height, width } = fits;
    const result = new SegmentationResult({
      image,
      decoded: decodeFits(planes, labels, [height, width], [image.height, image.width], upsampling),
      labels: this.set.labels,
      names: this.set.names,
      strengths: kept.strengths,
      paintings: passes.flatMap(({ paintings }) => paintings),
      engine: this.painter.engine.name,
      paintedBack: upsampling === 'nearest' ? 'nearest' : 'bicubic',
    });
    if (!this.options.instances) return result;
    const { splitInstances } = await import('./split-instances');
    return result.withInstances(await splitInstances(result, () => encoding.get(), run));
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    this.session.dispose();
    this.context?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The second model's session, where the options ask for it. */
async function prepareContext(
  { prompts, labels }: PromptSet,
  { quality }: ResolvedOptions,
  run: TargetOptions,
  helper: HelperModel,
): Promise<ContextSession | undefined> {
  if ((quality ?? helper.quality) !== 'best') return undefined;
  const { ContextSession } = await import('./context-session');
  return ContextSession.prepare(await helper.context(run), prompts, labels, run.signal);
}

/** A target's features, computed when they are first asked for, once. */
class Encoding {
  private encoded: Promise<EncodedImage> | undefined;

  constructor(private readonly encode: () => Promise<EncodedImage>) {}

  get(): Promise<EncodedImage> {
    return (this.encoded ??= this.encode());
  }
}

/** Fits of a picture, or a region of one, sharpened by the interactive model. */
export async function sharpen(
  fits: MergedFits,
  encode: () => Promise<EncodedImage>,
  run: RunOptions,
): Promise<MergedFits> {
  const { sharpenFits } = await import('./sharpen-fits');
  return sharpenFits(fits, encode, run.signal);
}

/** What both allow. */
export function narrower<Item>(
  a: readonly Item[] | undefined,
  b: readonly Item[] | undefined,
): readonly Item[] | undefined {
  return a && b ? a.filter((each) => b.includes(each)) : (a ?? b);
}
