import { guardMethods } from '../../base/guard';
import { throwIfAborted } from '../../base/abort';
import { InvalidInputError } from '../../base/errors';
import { resolveOptions } from '../../base/options';
import type { Picture } from '../../images/picture';
import type { RgbImage } from '../../images/rgb-image';
import type { Mask } from '../../masks/mask';
import { overlay, type OverlayOptions } from '../../masks/overlay';
import type { DecoderOutput } from '../../models/sam/mask-decoder';
import type { SamPrompt } from '../../models/sam/prompt-encoder';
import type { Sam } from '../../models/sam/sam';
import { type ClickPrompt, toSamPrompt } from './click-prompt';
import { encodedToBytes } from './encoded-bytes';
import { findEverything } from './everything';
import { InteractiveMask } from './interactive-mask';
import { LowMaskReader } from './low-mask';
import { type EverythingOptions, everythingSchema } from './options';
import type { PictureContexts } from './picture-contexts';
import { fitSquare, type SquareFit } from './square';

/** How clicks are answered. */
export interface ClickOptions {
  /**
   * Three masks for each prompt: a whole, a part and a part of that, the best expected first. Without it there is one: for a
   * single point, which says little, the best expected of the three; else the decoder's mask for prompts that say enough.
   * @default false
   */
  readonly multimask?: boolean;
  /** Stops the call, which then throws an `AbortedError`. */
  readonly signal?: AbortSignal;
  /** What errors call the prompt. @default 'prompt' */
  readonly argument?: string;
}

/** Masks of one prompt. */
export interface ClickResult {
  /** One, or three with `multimask`, the best expected first. */
  readonly masks: readonly InteractiveMask[];
}

/**
 * A picture that went through the image encoder, once; clicks on it take milliseconds. It is plain data and needs no
 * disposal: 4 MB of features with SAM's models, 2 MB as bytes.
 */
export class EncodedImage {
  /** How the picture lies in the model's square. @internal */
  readonly fit: SquareFit;
  private readonly reader: LowMaskReader;

  /** @internal */
  constructor(
    private readonly sam: Sam,
    private readonly contexts: PictureContexts,
    /** In pixels. */
    readonly width: number,
    /** In pixels. */
    readonly height: number,
    /** `(G * G, channels)` row by row of the grid, float32: what the encoder says of each place of the padded square. */
    readonly features: Float32Array,
    /** The picture itself; one that came as bytes has none. */
    private readonly image?: RgbImage,
  ) {
    this.fit = fitSquare(width, height, sam.config.imageSize);
    this.reader = new LowMaskReader(this.fit, 4 * sam.gridSide);
  }

  /**
   * The object that a prompt shows.
   *
   * @example
   * const { masks } = await picture.segment({ points: [[320, 240]] });
   * await masks[0].save('object.png');
   *
   * @throws InvalidInputError naming what does not fit the picture; AbortedError, DisposedError
   */
  async segment(prompt: ClickPrompt, options: ClickOptions = {}): Promise<ClickResult> {
    return (await this.answer([prompt], options, () => options.argument ?? 'prompt'))[0];
  }

  /**
   * Several objects in one go, faster than one by one.
   *
   * @returns a result for each prompt, in their order.
   * @throws InvalidInputError naming the prompt; AbortedError, DisposedError
   */
  async segmentMany(
    prompts: readonly ClickPrompt[],
    options: ClickOptions = {},
  ): Promise<ClickResult[]> {
    if (!Array.isArray(prompts))
      throw new InvalidInputError('prompts', 'must be a list of { points, labels, box, mask }.');
    return this.answer(prompts, options, (i) => `prompts[${i}]`);
  }

  /**
   * Every object and part that a grid of points finds (SAM's automatic mask generation): masks that are stable and that the
   * model expects to be right, the best first; nested ones are all kept. They come once all points are decoded, as any
   * mask may still be dropped for a better one; `onProgress` tells how far it is.
   *
   * @throws InvalidInputError naming the option; AbortedError, DisposedError
   */
  async *everything(options: EverythingOptions = {}): AsyncGenerator<InteractiveMask, void, void> {
    this.sam.checkAlive();
    throwIfAborted(options.signal);
    const resolved = resolveOptions(everythingSchema, options);
    if (resolved.cropLayers > 0 && !this.image)
      throw new InvalidInputError(
        'cropLayers',
        'needs the picture itself, and this one came as bytes: encode it here, or leave out crops.',
      );
    const { signal, onProgress } = options;
    const { sam, contexts, image } = this;
    yield* await findEverything({
      ...{ sam, contexts, fit: this.fit, features: this.features, image },
      ...{ options: resolved, signal, onProgress },
    });
  }

  /**
   * The features with the picture's size as bytes, float16: a safetensors file of about 2 MB. `fromBytes` of a segmenter with
   * the same decoder makes the picture of it again, in another process or a browser.
   */
  toBytes(): Uint8Array {
    const { width, height, features, sam } = this;
    const { channels } = sam.config;
    return encodedToBytes({ width, height, features, channels, model: sam.fingerprint });
  }

  /**
   * The picture with masks painted over, each in a colour of its own; of those that overlap the smaller lies on top.
   *
   * @throws InvalidInputError if the picture came as bytes, or a mask has another size.
   */
  overlay(masks: readonly Mask[], options?: OverlayOptions): Picture {
    const { image, width, height } = this;
    if (!image)
      throw new InvalidInputError(
        'overlay',
        'needs the picture itself, and this one came as bytes.',
      );
    const data = new Uint8Array(width * height);
    const largestFirst = [...masks].sort((a, b) => b.area - a.area);
    for (const [i, mask] of largestFirst.entries()) {
      if (mask.width !== width || mask.height !== height)
        throw new InvalidInputError(
          'masks',
          `hold one of ${mask.width} x ${mask.height}, but the picture is ${width} x ${height}.`,
        );
      const inside = mask.toBinary();
      const label = 1 + (i % 255);
      for (let at = 0; at < data.length; at++) if (inside[at]) data[at] = label;
    }
    return overlay(image, { width, height, data }, options);
  }

  /** Side of the decoder's logits. @internal */
  get cells(): number {
    return 4 * this.sam.gridSide;
  }

  /** The decoder's one mask for each prompt, in the square's pixels. @internal */
  decode(prompts: readonly SamPrompt[], signal?: AbortSignal): Promise<DecoderOutput> {
    return this.contexts.use(this.features, (context) =>
      this.sam.decode(context, prompts, false, signal),
    );
  }

  private async answer(
    prompts: readonly ClickPrompt[],
    { multimask, signal }: ClickOptions,
    nameOf: (i: number) => string,
  ): Promise<ClickResult[]> {
    this.sam.checkAlive();
    throwIfAborted(signal);
    if (multimask !== undefined && typeof multimask !== 'boolean')
      throw new InvalidInputError('multimask', `must be true or false, is ${String(multimask)}.`);
    const asked = prompts.map((each, i) => toSamPrompt(each, this.fit, this.cells, nameOf(i)));
    // One point could mean the whole, a part or a part of that: the best of the three then, as in the official export.
    const choosy = asked.map(({ labels = [], box, mask }) => labels.length === 1 && !box && !mask);
    const results = new Array<ClickResult>(prompts.length);
    await this.contexts.use(this.features, async (context) => {
      for (const three of [true, false]) {
        const turns = choosy.flatMap((each, i) => ((multimask || each) === three ? [i] : []));
        if (turns.length === 0) continue;
        const some = turns.map((i) => asked[i]);
        const output = await this.sam.decode(context, some, three, signal);
        turns.forEach((i, p) => {
          const masks = this.masksOf(output, p);
          results[i] = { masks: multimask ? masks : masks.slice(0, 1) };
        });
      }
    });
    return results;
  }

  /** A prompt's masks, the best expected first. */
  private masksOf({ logits, iou, masks, side }: DecoderOutput, prompt: number): InteractiveMask[] {
    const area = side * side;
    const { width, height, reader } = this;
    return Array.from({ length: masks }, (_, m) => prompt * masks + m)
      .sort((a, b) => iou[b] - iou[a])
      .map((at) => {
        const own = logits.slice(at * area, (at + 1) * area);
        const { area: pixels, box, stability } = reader.measure(own, 0, 1);
        return new InteractiveMask({
          ...{ width, height, box, area: pixels, logits: own },
          ...{ predictedIou: iou[at], stabilityScore: stability },
          draw: () => reader.binary(own, 0),
        });
      });
  }
}

guardMethods(EncodedImage.prototype, ['segment', 'segmentMany', 'everything']);
