import type { Progress, RunOptions } from '../../base/progress';
import { guardMethods } from '../../base/guard';
import { nextTurn } from '../../base/next-turn';
import { decodeFits } from '../../colors/decode';
import { cropImage, type Region } from '../../images/crop';
import type { ImageInput } from '../../images/image-input';
import type { RgbImage } from '../../images/rgb-image';
import type { Painter } from '../../models/seggpt/painter';
import { checkKnownOptions } from '../known-options';
import { imageHalf } from './half-canvas';
import { gridPrompt, halfPrompt } from './half-prompts';
import { halfSize, type ResolvedOptions } from './options';
import { PaintingSession } from './painting-session';
import { type MergedFits, planPasses } from './passes';
import { type PromptSet, readTarget, type TargetOptions } from './prompts';
import type { EncodedImage } from '../interactive/encoded-image';
import type { ContextSession } from './context-session';
import type { HelperModel } from './helper-model';
import { decideFits } from './decide-fits';
import { SegmentationResult } from './result';
import type { TileSide } from './tiles';

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
      'maxPixels' | 'svg' | 'sources' | 'orientation' | 'window'
    >,
    private readonly session: PaintingSession,
    private readonly helper: HelperModel,
    private readonly context: ContextSession | undefined,
    private readonly tileSide: TileSide | undefined,
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
    const { tiles } = options;
    const tiling = tiles === undefined ? undefined : await import('./tiles');
    const side = tiles === undefined ? undefined : tiling?.tileSide(tiles, set.prompts, size.width);
    const shown = tiling && side ? tiling.cropPrompts(set.prompts, side) : set.prompts;
    const { maxPixels, svg, sources, orientation, window } = run;
    const reading = { maxPixels, svg, sources, orientation, window };
    const prompts =
      options.ensemble === 'spatial'
        ? [gridPrompt(shown, size)]
        : shown.map((prompt) => halfPrompt(prompt, size));
    const plan = {
      size,
      task: options.task,
      passes: planPasses(set.labels, options, set.ownColors),
      joinPrompts: options.ensemble === 'feature',
    };
    const session = await PaintingSession.prepare(painter, prompts, plan, run);
    const context = await prepareContext({ ...set, prompts: shown }, options, run, helper).catch(
      (error) => {
        session.dispose();
        throw error;
      },
    );
    // The full prompts have been squeezed: only their labels are needed from here on.
    const kept = { ...set, prompts: [] };
    return new PreparedPrompts(painter, kept, options, reading, session, helper, context, side);
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
    const { maxPixels, svg, orientation, window } = this.reading;
    const given = {
      maxPixels: options.maxPixels ?? maxPixels,
      svg: options.svg ?? svg,
      orientation: options.orientation ?? orientation,
      window: options.window ?? window,
      sources: narrower(this.reading.sources, options.sources),
    };
    const image = await readTarget(target, { ...options, ...given });
    return this.segmentImage(image, options);
  }

  /** Segments a picture that has been read already. */
  async segmentImage(image: RgbImage, run: RunOptions = {}): Promise<SegmentationResult> {
    const encoding = new Encoding(() => this.helper.encode(image, run));
    const { width, height } = image;
    const tiles = this.tileSide
      ? (await import('./tiles')).planTiles(width, height, this.tileSide(width, height))
      : [];
    const found =
      tiles.flat().length > 1
        ? await this.segmentTiles(image, tiles, run)
        : await this.segmentWhole(image, encoding, run);
    const result = new SegmentationResult({
      image,
      labels: this.set.labels,
      names: this.set.names,
      engine: this.painter.engine.name,
      paintedBack: this.options.upsampling === 'nearest' ? 'nearest' : 'bicubic',
      ...found,
    });
    if (!this.options.instances) return result;
    const { splitInstances } = await import('./split-instances');
    return result.withInstances(await splitInstances(result, () => encoding.get(), run));
  }

  private async segmentWhole(image: RgbImage, encoding: Encoding, run: RunOptions) {
    const { fits, strengths, passes } = await this.fitsOf(image, encoding, run);
    const { planes, labels, height, width } = fits;
    const { upsampling } = this.options;
    await nextTurn();
    return {
      decoded: decodeFits(planes, labels, [height, width], [image.height, image.width], upsampling),
      strengths,
      paintings: passes.flatMap(({ paintings }) => paintings),
    };
  }

  /** Tile by tile: one is painted at a time, and fits are kept for one row of them. */
  private async segmentTiles(
    image: RgbImage,
    rows: readonly (readonly Region[])[],
    { signal, onProgress }: RunOptions,
  ) {
    const { width, height } = image;
    const { TileBlend } = await import('./blend-tiles');
    const blend = new TileBlend(width, height, rows[0][0][3], this.options.upsampling);
    const strengths = new Map<number, number>();
    const count = rows.flat().length;
    let done = 0;
    for (const row of rows) {
      blend.startRow(row[0][1]);
      for (const region of row) {
        const tile = cropImage(image, region);
        const before = done++;
        const report = (progress: Progress) => {
          const { stage, loaded, total } = progress;
          const ofAll = stage === 'paint';
          onProgress?.(
            ofAll
              ? { ...progress, loaded: before * total + loaded, total: count * total }
              : progress,
          );
        };
        const run = { signal, onProgress: onProgress && report };
        const encoding = new Encoding(() => this.helper.encode(tile, run));
        const { fits, strengths: ofTile, passes } = await this.fitsOf(tile, encoding, run);
        for (const [label, strength] of ofTile)
          strengths.set(label, Math.max(strength, strengths.get(label) ?? 0));
        blend.add(region, fits, Uint8Array.from(passes[0].paintings[0].data, Math.round));
      }
    }
    const { decoded, painting } = blend.finish();
    return { decoded, strengths, paintings: [], tiled: painting };
  }

  /** How well each label fits a picture or a tile of one, at the size of half a canvas. */
  private async fitsOf(image: RgbImage, encoding: Encoding, run: RunOptions) {
    const half = imageHalf(image, this.session.plan.size);
    const passes = await this.session.paint(half, run);
    const { width, height } = image;
    const { upsampling, minimumScore, minimumArea } = this.options;
    const read = await this.context?.read(image, run.signal);
    const { fits: found, strengths } = await decideFits({
      ...{ passes, read, labels: this.set.labels, half, width, height, minimumScore, minimumArea },
      ...{ patch: this.painter.config.patch, upsampling },
    }).finally(() => read?.release());
    const fits =
      this.options.refine === 'sam' ? await sharpen(found, () => encoding.get(), run) : found;
    return { fits, strengths, passes };
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

guardMethods(PreparedPrompts.prototype, ['segment']);
