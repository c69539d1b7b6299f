import { guardMethods } from '../../base/guard';
import { throwIfAborted } from '../../base/abort';
import { DisposedError, InvalidInputError, type SegGptError } from '../../base/errors';
import type { RunOptions } from '../../base/progress';
import { blendColors } from '../../colors/blend';
import { type ColorMapping, colorize } from '../../colors/color-mapping';
import { decodeFits } from '../../colors/decode';
import { cropImage, type Region, widen } from '../../images/crop';
import type { ImageInput } from '../../images/image-input';
import type { RgbImage } from '../../images/rgb-image';
import type { LabelMap } from '../../masks/label-map';
import { boundsOf } from '../../masks/mask';
import type { Painter } from '../../models/seggpt/painter';
import { type HalfSize, imageHalf } from '../in-context/half-canvas';
import { halfPrompt } from '../in-context/half-prompts';
import { halfSize } from '../in-context/options';
import { type HalfPrompt, PaintingSession } from '../in-context/painting-session';
import { type MergedFits, planPasses } from '../in-context/passes';
import { cropPrompt } from '../in-context/crop-prompt';
import { HelperModel } from '../in-context/helper-model';
import { maskedPrompts } from '../in-context/masked-prompts';
import { sharpen } from '../in-context/prepared-prompts';
import type { MaskInput } from '../in-context/prompt-mask';
import {
  type Prompt,
  type PromptSet,
  type ReadPrompt,
  readPrompts,
  readTarget,
} from '../in-context/prompts';
import type { ContextSession } from '../in-context/context-session';
import { decideFits } from '../in-context/decide-fits';
import { SegmentationResult } from '../in-context/result';
import type { ContextMemory } from './context-memory';
import { decodeThreshold } from './decode-threshold';
import { MemoryBank, type RememberedFrame } from './memory-bank';
import { type ResolvedTrackOptions, resolveTrackOptions, type TrackOptions } from './options';

/** What came of one frame: a result, or the error that kept it from being read. */
export type TrackedFrame = {
  /** Counts frames from 0. */
  readonly index: number;
  /** Seconds from the start of the video; `null` where the frame did not tell. */
  readonly time: number | null;
} & (
  | { readonly result: SegmentationResult; readonly error: null }
  | { readonly result: null; readonly error: SegGptError }
);

/** A session, kept while neither colours nor memory change. */
interface Prepared {
  readonly version: number;
  readonly session: PaintingSession;
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
  private anchors: HalfPrompt[] = [];
  private set: PromptSet | undefined;
  private prepared: Prepared | undefined;
  private context: { readonly session: ContextSession; readonly memory: ContextMemory } | undefined;
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
    private readonly helper: HelperModel = new HelperModel(),
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
  correct(mask: MaskInput): Promise<void> {
    return this.enqueue(async () => {
      const { last, set } = this;
      if (!last || !set)
        throw new InvalidInputError('mask', 'there is no frame to correct yet; call next() first.');
      const given = [{ image: last, mask }];
      const reading = { ...this.given, labelNames: undefined }; // one frame need not show all that have names
      const { prompts, labels } = await readPrompts(given, reading, set);
      const unknown = labels.find((label) => !set.labels.includes(label));
      if (unknown !== undefined) {
        throw new InvalidInputError(
          'mask',
          `shows the label ${unknown}, which the prompts do not have.`,
        );
      }
      const near = this.near(prompts[0]);
      await this.context?.session.add(near, this.given.signal); // first: it may be stopped
      this.anchors.push(halfPrompt(near, this.size));
      this.context?.memory.clear();
      this.bank.clear();
      this.bank.version++;
      this.region = this.around(prompts[0].mask);
    });
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    this.disposed = true;
    this.free();
    this.freeContext();
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
    const half = imageHalf(cropImage(image, region), this.size);
    const session = await this.prepare(set, run);
    const painted = await session.paint(half, run);
    const { threshold, upsampling } = this.options;
    // The official procedure, which a threshold asks for, remembers what was painted as it is.
    const decoding = threshold === undefined ? upsampling : 'smooth';
    const context = await this.contextOf(set, run);
    const seen = cropImage(image, region);
    const read = await context?.session.read(seen, run.signal);
    try {
      // A threshold decides by itself what is there.
      const limits = threshold === undefined ? this.options : { minimumScore: 0, minimumArea: 0 };
      const { minimumScore, minimumArea } = limits;
      const { fits, strengths } = await decideFits({
        ...{ passes: painted, read, labels: set.labels, half, minimumScore, minimumArea },
        ...{ width: seen.width, height: seen.height },
        ...{ patch: this.painter.config.patch, upsampling: decoding },
      });
      // What is remembered is what was painted: a wrong sharpening must not go on to the next frame.
      const shown =
        this.options.refine === 'sam' && threshold === undefined
          ? await sharpen(fits, () => this.helper.encode(seen, run), run)
          : fits;
      const from = [fits.height, fits.width] as const;
      const to = [seen.height, seen.width] as const;
      const decoded =
        threshold === undefined
          ? decodeFits(shown.planes, shown.labels, from, to, upsampling)
          : decodeThreshold(painted[0].paintings[0], fits.labels[0], threshold, to);
      const result = new SegmentationResult({
        image,
        decoded,
        labels: set.labels,
        names: set.names,
        strengths,
        paintings: painted.flatMap(({ paintings }) => paintings),
        engine: this.painter.engine.name,
        region,
      });
      const sure = this.remember(half, fits, result);
      if (read && sure) await context?.memory.add(read, fits, set.labels, this.index);
      this.last = image;
      this.index++;
      return result;
    } finally {
      read?.release();
    }
  }

  private async readPrompts(): Promise<PromptSet> {
    if (!this.set) {
      const masked = await maskedPrompts(this.prompts, this.helper, this.given);
      const set = await readPrompts(masked, this.given);
      if (this.options.threshold !== undefined && set.labels.length > 1) {
        throw new InvalidInputError(
          'threshold',
          `tells one label from background, but the prompts show ${set.labels.length}.`,
        );
      }
      this.anchors = set.prompts.map((prompt) => halfPrompt(this.near(prompt), this.size));
      this.set = set;
    }
    return this.set;
  }

  /** A prompt's region that is looked at, as frames are. */
  private near(prompt: ReadPrompt): ReadPrompt {
    const region = this.around(prompt.mask);
    return region ? cropPrompt(prompt, region) : prompt;
  }

  /** The second model's session, where the options ask for it. */
  private async contextOf(set: PromptSet, run: RunOptions) {
    const { quality = this.helper.quality, threshold } = this.options;
    if (quality !== 'best' || threshold !== undefined) return undefined;
    if (!this.context) {
      const model = await this.helper.context(run);
      const parts = await import('./context-memory');
      const session = await parts.ContextSession.prepare(
        model,
        set.prompts.map((prompt) => this.near(prompt)),
        set.labels,
        run.signal,
      );
      this.context = { session, memory: new parts.ContextMemory(session) };
    }
    if (this.disposed) this.freeContext();
    this.checkAlive();
    return this.context;
  }

  /** A session for the prompts and what is remembered now. */
  private async prepare(set: PromptSet, run: RunOptions): Promise<PaintingSession> {
    const { options, bank } = this;
    if (this.prepared?.version === bank.version && !options.redrawColors)
      return this.prepared.session;
    this.free();
    const seed = (options.seed + (options.redrawColors ? this.index : 0)) >>> 0;
    const passes = planPasses(set.labels, { ...options, seed }, set.ownColors);
    const plan = { size: this.size, task: options.task, passes, joinPrompts: true };
    const session = await PaintingSession.prepare(this.painter, this.halves(), plan, run);
    this.prepared = { version: bank.version, session };
    if (this.disposed) this.free(); // it was disposed meanwhile, and did not free this
    this.checkAlive();
    return session;
  }

  /** Prompts, each as often as it weighs, and remembered frames. */
  private halves(): HalfPrompt[] {
    const { entries } = this.bank;
    const weight = entries.length > 0 ? this.options.promptWeight : 1;
    const weighed = Array.from({ length: weight }, () => this.anchors).flat();
    const remembered = entries.map((entry) => ({
      image: entry.image,
      drawMask: (mapping: ColorMapping) => this.rememberedMask(entry, mapping),
    }));
    return [...weighed, ...remembered];
  }

  private rememberedMask({ fits }: RememberedFrame, mapping: ColorMapping): Uint8Array {
    if (this.options.softMasks) {
      const planes = mapping.labels.map((label) => fits.planes[fits.labels.indexOf(label) + 1]);
      return blendColors(planes, mapping);
    }
    const size = [fits.height, fits.width] as const;
    const { labels } = decodeFits(fits.planes, fits.labels, size, size, 'nearest');
    return colorize(labels, mapping);
  }

  /** Keeps a frame that shows something with enough certainty, and where its objects are. @returns whether it did. */
  private remember(image: Uint8Array, fits: MergedFits, result: SegmentationResult): boolean {
    const seen = result.masks.filter(({ present }) => present);
    const area = seen.reduce((sum, mask) => sum + mask.area, 0);
    const score = area > 0 ? seen.reduce((sum, mask) => sum + mask.score * mask.area, 0) / area : 0;
    const sure = score >= this.options.memoryScore;
    if (sure) this.bank.add({ image, fits, score });
    // An object that is lost is looked for in the whole of the next frame.
    this.region = seen.length > 0 ? this.around(result.labelMap) : undefined;
    return sure;
  }

  /** The region to look at next, if regions are looked at and the map shows anything. */
  private around({ data, width, height }: LabelMap): Region | undefined {
    if (!this.options.regionScale) return undefined;
    const box = boundsOf(data, width, height);
    return box && widen(box, this.options.regionScale, width, height);
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

  private freeContext(): void {
    this.context?.session.dispose();
    this.context = undefined;
  }

  private free(): void {
    this.prepared?.session.dispose();
    this.prepared = undefined;
  }
}

/** A signal that is aborted with the first of both. */
function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b && a !== b ? AbortSignal.any([a, b]) : (a ?? b);
}

guardMethods(Tracker.prototype, ['start', 'next', 'correct']);
