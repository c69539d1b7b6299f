import type { HalfSize } from '../in-context/half-canvas';
import { imageHalf, maskHalf } from '../in-context/half-canvas';
import { normalizeColors } from '../../models/seggpt/normalize';
import { blendColors } from '../../colors/blend';
import { type ColorMapping, colorize } from '../../colors/color-mapping';
import type { Decoded, Painting } from '../../colors/decode';
import { countBlocks } from '../in-context/count-blocks';
import { throwIfAborted } from '../../base/abort';
import { DisposedError, InvalidInputError, type SegGptError } from '../../base/errors';
import { crop, place, type Region, widen } from '../../images/crop';
import type { ImageInput } from '../../images/image-input';
import { nearestIndices } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';
import type { LabelMap } from '../../masks/label-map';
import { measureLabels } from '../../masks/mask';
import type { PaintingContext } from '../../models/seggpt/painting-context';
import type { Painter } from '../../models/seggpt/painter';
import {
  decodeMerged,
  halfSize,
  type MergedFits,
  mergeFits,
  type Pass,
  planPasses,
  toPaintings,
} from '../in-context/pipeline';
import type { RunOptions } from '../in-context/prepared-prompts';
import { type Prompt, type PromptSet, readPrompts, readTarget } from '../in-context/prompts';
import { SegmentationResult } from '../in-context/result';
import { MemoryBank, type RememberedFrame } from './memory-bank';
import { type ResolvedTrackOptions, resolveTrackOptions, type TrackOptions } from './options';

/** What came of one frame: a result, or the error that kept it from being read. */
export interface TrackedFrame {
  /** Counts frames from 0. */
  readonly index: number;
  readonly result: SegmentationResult | null;
  readonly error: SegGptError | null;
}

/** A prompt cut to its region and squeezed to half a canvas. */
interface Anchor {
  readonly image: Uint8Array;
  readonly mask: LabelMap;
}

/** Contexts of the passes, kept while neither colours nor memory change. */
interface Prepared {
  readonly version: number;
  readonly passes: readonly {
    readonly pass: Pass;
    readonly contexts: readonly PaintingContext[];
  }[];
}

/**
 * Follows objects through frames that are pushed one by one. The prompts always stay; the last frames
 * join them with the masks that were found. Calls queue. Free it with `dispose()`.
 *
 * @example
 * const tracker = segmenter.createTracker([{ image: first, mask }]);
 * const { result } = await tracker.next(frame);
 * tracker.dispose();
 */
export class Tracker {
  private readonly options: ResolvedTrackOptions;
  private readonly bank: MemoryBank;
  private readonly size: HalfSize;
  private anchors: Anchor[] = [];
  private set: PromptSet | undefined;
  private prepared: Prepared | undefined;
  private last: RgbImage | undefined;
  private region: Region | undefined;
  private index = 0;
  private queue: Promise<unknown> = Promise.resolve();
  private disposed = false;

  /** Made by `InContextSegmenter.createTracker`. @throws InvalidInputError naming the option. */
  constructor(
    private readonly painter: Painter,
    private readonly prompts: readonly Prompt[],
    private readonly given: TrackOptions = {},
  ) {
    this.options = resolveTrackOptions(given);
    this.bank = new MemoryBank(this.options.memory, this.options.selection);
    this.size = halfSize(this.options, painter);
  }

  /**
   * Reads the prompts now rather than with the first frame.
   *
   * @throws InvalidInputError, ImageError for bad prompts, AbortedError, DisposedError.
   */
  start(): Promise<void> {
    return this.enqueue(async () => void (await this.readPrompts()));
  }

  /**
   * Segments the next frame and remembers it. Frames may differ in size.
   *
   * @param run its signal stops this frame, the tracker's own every frame.
   * @throws ImageError for a frame that cannot be read; the tracker goes on with the next.
   * @throws InvalidInputError for bad prompts, AbortedError, DisposedError.
   */
  next(frame: ImageInput, run: RunOptions = {}): Promise<SegmentationResult> {
    const signal = either(this.given.signal, run.signal);
    return this.enqueue(() => this.track(frame, { ...run, signal }));
  }

  /**
   * Corrects the last frame: its true mask stays as a further prompt, and what was remembered since is
   * forgotten.
   *
   * @param mask of the last frame's size.
   * @throws InvalidInputError before the first frame, and for masks that prompts refuse.
   */
  correct(mask: ImageInput): Promise<void> {
    return this.enqueue(async () => {
      const { last, set } = this;
      if (!last || !set)
        throw new InvalidInputError('mask', 'there is no frame to correct yet; call next() first.');
      const given = [{ image: last, mask }];
      const { prompts, labels } = await readPrompts(given, this.given, set.colors);
      const unknown = labels.find((label) => !set.labels.includes(label));
      if (unknown !== undefined) {
        throw new InvalidInputError(
          'mask',
          `shows the label ${unknown}, which the prompts do not have.`,
        );
      }
      this.anchors.push(this.anchor(prompts[0]));
      this.bank.clear();
      this.bank.version++;
      this.region = this.around(prompts[0].mask);
    });
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    this.disposed = true;
    this.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private enqueue<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.queue.then(() => {
      this.checkAlive();
      return work();
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async track(frame: ImageInput, run: RunOptions): Promise<SegmentationResult> {
    throwIfAborted(run.signal);
    const set = await this.readPrompts();
    const image = await readTarget(frame, { ...this.given, signal: run.signal });
    // Where the first frame is the prompt's own picture its objects are known; elsewhere they may be anywhere.
    if (this.index === 0 && frame === this.prompts[0].image)
      this.region = this.around(set.prompts[0].mask);
    const whole: Region = [0, 0, image.width, image.height];
    const region = this.regionIn(image) ?? whole;
    const half = imageHalf(cut(image, region), this.size);
    const { passes } = await this.prepare(set, run);
    const onProgress = countBlocks(
      'paint',
      passes.map(({ pass }) => pass),
      this.painter.config.depth,
      run.onProgress,
    );
    const painted = [];
    for (const { pass, contexts } of passes) {
      const paintings: Painting[] = [];
      for (const [i, mapping] of pass.mappings.entries()) {
        const values = await this.painter.paintTarget(contexts[i], normalizeColors(half), {
          signal: run.signal,
          onProgress,
        });
        paintings.push(...toPaintings({ mapping, painted: values }, this.size));
      }
      painted.push({ labels: pass.labels, paintings });
    }
    const fits = mergeFits(painted);
    const [, , width, height] = region;
    const local =
      this.options.threshold === undefined
        ? decodeMerged(fits, [height, width], this.options.upsampling)
        : decodeThreshold(
            painted[0].paintings[0],
            fits.labels[0],
            this.options.threshold,
            height,
            width,
          );
    const decoded = paste(local, region, image);
    const paintings = painted.flatMap((pass) => pass.paintings);
    const result = new SegmentationResult(
      image,
      decoded,
      set.labels,
      set.names,
      paintings,
      this.painter.engine.name,
      region,
    );
    this.remember(half, fits, result);
    this.last = image;
    this.index++;
    return result;
  }

  private async readPrompts(): Promise<PromptSet> {
    if (!this.set) {
      const set = await readPrompts(this.prompts, this.given);
      if (this.options.threshold !== undefined && set.labels.length > 1) {
        throw new InvalidInputError(
          'threshold',
          `tells one label from background, but the prompts show ${set.labels.length}.`,
        );
      }
      this.anchors = set.prompts.map((prompt) => this.anchor(prompt));
      this.set = set;
    }
    return this.set;
  }

  private anchor({ image, mask }: { readonly image: RgbImage; readonly mask: LabelMap }): Anchor {
    const region = this.options.follow
      ? (this.around(mask) as Region)
      : ([0, 0, image.width, image.height] as const);
    const [, , width, height] = region;
    return {
      image: imageHalf(cut(image, region), this.size),
      mask: { width, height, data: crop(mask.data, mask.width, 1, region) },
    };
  }

  /** Contexts for the prompts and what is remembered now. */
  private async prepare(set: PromptSet, run: RunOptions): Promise<Prepared> {
    const { options, bank } = this;
    if (this.prepared?.version === bank.version && !options.redrawColors) return this.prepared;
    this.free();
    const seed = (options.seed + (options.redrawColors ? this.index : 0)) >>> 0;
    const passes: { pass: Pass; contexts: PaintingContext[] }[] = [];
    const planned = planPasses(set.labels, { ...options, seed });
    const blocks = this.painter.config.mergeIndex + 1;
    const onProgress = countBlocks('prepare', planned, blocks, run.onProgress);
    try {
      for (const pass of planned) {
        const contexts: PaintingContext[] = [];
        passes.push({ pass, contexts });
        for (const mapping of pass.mappings) {
          contexts.push(
            await this.painter.prepare(this.stitch(mapping), options.task, true, {
              signal: run.signal,
              onProgress,
            }),
          );
        }
      }
      this.checkAlive(); // it may have been disposed meanwhile, and would not free these
    } catch (error) {
      for (const { contexts } of passes) for (const context of contexts) context.dispose();
      throw error;
    }
    this.prepared = { version: bank.version, passes };
    return this.prepared;
  }

  /** Prompts, each as often as it weighs, and remembered frames as upper halves of canvases. */
  private stitch(mapping: ColorMapping) {
    const { height, width } = this.size;
    const anchors = this.anchors.map(({ image, mask }) => ({
      image,
      mask: maskHalf(mask, mapping, this.size),
    }));
    const weighed =
      this.bank.entries.length > 0
        ? Array.from({ length: this.options.promptWeight }, () => anchors).flat()
        : anchors;
    const remembered = this.bank.entries.map((entry) => ({
      image: entry.image,
      mask: this.rememberedMask(entry, mapping),
    }));
    const halves = [...weighed, ...remembered];
    const length = height * width * 3;
    const images = new Float32Array(halves.length * length);
    const masks = new Float32Array(halves.length * length);
    halves.forEach(({ image, mask }, i) => {
      images.set(normalizeColors(image), i * length);
      masks.set(normalizeColors(mask), i * length);
    });
    return { count: halves.length, height, width, images, masks };
  }

  private rememberedMask({ fits }: RememberedFrame, mapping: ColorMapping): Uint8Array {
    if (this.options.softMasks) {
      const planes = mapping.labels.map((label) => fits.planes[fits.labels.indexOf(label) + 1]);
      return blendColors(planes, mapping);
    }
    const { labels } = decodeMerged(fits, [fits.height, fits.width], 'nearest');
    return colorize(labels, mapping);
  }

  /** Keeps a frame that shows something with enough certainty, and where its objects are. */
  private remember(image: Uint8Array, fits: MergedFits, result: SegmentationResult): void {
    const seen = result.masks.filter(({ present }) => present);
    const area = seen.reduce((sum, mask) => sum + mask.area, 0);
    const score = area > 0 ? seen.reduce((sum, mask) => sum + mask.score * mask.area, 0) / area : 0;
    if (score >= this.options.minimumScore) this.bank.add({ image, fits, score });
    // An object that is lost is looked for in the whole of the next frame.
    this.region = seen.length > 0 ? this.around(result.labels) : undefined;
  }

  /** The region to look at next, if it follows objects. */
  private around({ data, width, height }: LabelMap): Region | undefined {
    if (!this.options.follow) return undefined;
    const any = data.map((label) => (label > 0 ? 1 : 0));
    const { area, box } = measureLabels(any, width, height)[1];
    return area > 0 ? widen(box, this.options.follow, width, height) : undefined;
  }

  /** The region of the last frame, unless this frame has another size. */
  private regionIn({ width, height }: RgbImage): Region | undefined {
    if (!this.region) return undefined;
    const reference = this.last ?? this.set?.prompts[0].image;
    return reference?.width === width && reference.height === height ? this.region : undefined;
  }

  private checkAlive(): void {
    if (this.disposed) throw new DisposedError('This tracker was disposed; create another.');
  }

  private free(): void {
    for (const { contexts } of this.prepared?.passes ?? [])
      for (const context of contexts) context.dispose();
    this.prepared = undefined;
  }
}

function cut(image: RgbImage, region: Region): RgbImage {
  const [, , width, height] = region;
  if (width === image.width && height === image.height) return image;
  return { width, height, data: crop(image.data, image.width, 3, region) };
}

/** Puts a decoded region into its frame; outside of it is background. */
function paste(local: Decoded, [x, y, w, h]: Region, { width, height }: RgbImage): Decoded {
  if (w === width && h === height) return local;
  const scores = new Float32Array(width * height).fill(1);
  for (let row = 0; row < h; row++)
    scores.set(local.scores.subarray(row * w, (row + 1) * w), (y + row) * width + x);
  return {
    width,
    height,
    labels: place(local.labels, 1, [x, y, w, h], width, height),
    scores,
  };
}

/** A signal that is aborted with the first of both. */
function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b && a !== b ? AbortSignal.any([a, b]) : (a ?? b);
}

/** The official decoding of one object: brighter than a threshold, after resizing by nearest. */
function decodeThreshold(
  painting: Painting,
  label: number,
  threshold: number,
  height: number,
  width: number,
): Decoded {
  const labels = new Uint8Array(height * width);
  const scores = new Float32Array(height * width);
  const rows = nearestIndices(painting.height, height);
  const columns = nearestIndices(painting.width, width);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = (rows[y] * painting.width + columns[x]) * 3;
      const brightness = (painting.data[at] + painting.data[at + 1] + painting.data[at + 2]) / 3;
      labels[i] = brightness > threshold ? label : 0;
      scores[i] = brightness > threshold ? brightness / 255 : 1 - brightness / 255;
    }
  }
  return { width, height, labels, scores };
}
