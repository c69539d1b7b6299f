import { throwIfAborted } from '../../base/abort';
import { fitOf } from '../../colors/logits';
import { imageHalf } from './half-canvas';
import { resizeNearest } from '../../images/resize';
import { resizePlane } from '../../images/resize-plane';
import type { RgbImage } from '../../images/rgb-image';
import type { LabelMap } from '../../masks/label-map';
import { ENCODER_SIDE } from '../../models/context/config';
import type {
  ContextDecoder,
  ContextPrompts,
  PictureTokens,
} from '../../models/context/context-decoder';
import { encodedSize } from '../../models/context/encoded-size';
import type { Sam } from '../../models/sam/sam';
import { normalizeColors } from '../../models/seggpt/normalize';
import { fitSquare, toPadded } from '../interactive/square';

/** A context decoder with the encoder whose features it reads, both on one engine. */
export interface ContextModel {
  readonly sam: Sam;
  readonly decoder: ContextDecoder;
  /** The decoder on a coarse grid, on which it is asked back: that tells as much, at a fraction of the cost. */
  readonly coarse: ContextDecoder;
}

/** Tokens to a side of the coarse grid. */
const COARSE_TOKENS = 16;

/** A context decoder with its coarse twin. */
export function contextModel(sam: Sam, decoder: ContextDecoder): ContextModel {
  return { sam, decoder, coarse: decoder.at(Math.min(COARSE_TOKENS, decoder.config.tokens)) };
}

/** A picture on both grids. */
interface Seen {
  readonly tokens: PictureTokens;
  readonly coarse: PictureTokens;
}

/** Logits of labels over a target, squeezed to a square. */
export interface ContextLogits {
  readonly size: number;
  /** In the order of the session's labels: `(size, size)` each, above 0 inside. */
  readonly planes: readonly Float32Array[];
  /** For each label whether the target shows it at all, as a logit. */
  readonly presence: readonly number[];
}

/** An example that a session keeps. */
export interface ContextExample {
  readonly image: RgbImage;
  readonly mask: LabelMap;
}

/** A target that was read: what was found, and its tokens, with which more is asked. */
export interface ContextReading extends ContextLogits {
  /** Frees the tokens. Calling it again does nothing. */
  release(): void;
  /**
   * Cycle consistency: the target becomes the prompt, and an example the target (as PANet's prototype alignment, arXiv:1908.06391,
   * does in training). Where a mask is right, the example's own mask comes back.
   *
   * @param candidates masks of each: `(size, size)`, 0 … 1, for every label.
   * @returns for each candidate and label the soft IoU of what came back and the example's mask, 0 … 1; 0 for a label that no
   *   example shows at the decoder's size.
   * @throws AbortedError, DisposedError
   */
  consistency(candidates: readonly (readonly Float32Array[])[]): Promise<number[][]>;
  /**
   * Reads once more, with the target itself among the prompts (self-support, arXiv:2207.11549): what was found of a thing
   * tells of the rest of it.
   *
   * @param masks for every label what was found so far: `(size, size)`, 0 … 1.
   * @throws AbortedError, DisposedError
   */
  again(masks: readonly Float32Array[]): Promise<ContextLogits>;
  /** The target becomes a prompt, with a mask `(size, size)`, 0 … 1, for each label. The tokens are freed. */
  prompt(masks: readonly Float32Array[]): Promise<ContextPrompts>;
}

/** An example that finds are checked against: its coarse tokens, and the masks of labels that no earlier one shows. */
interface Checked {
  readonly tokens: PictureTokens;
  /** By place among the labels: of the coarse decoder's size, of 0 and 1. */
  readonly masks: ReadonlyMap<number, Float32Array>;
}

/**
 * Prompts prepared for the context decoder: what it needs of each picture and label stays on the engine. Free it with
 * `dispose()`.
 */
export class ContextSession {
  private remembered: readonly ContextPrompts[] = [];
  private joined: ContextPrompts | undefined;
  private readonly checked: Checked[] = [];

  private constructor(
    private readonly model: ContextModel,
    private readonly labels: readonly number[],
    private readonly given: ContextPrompts[],
  ) {}

  /** @throws AbortedError, DisposedError */
  static async prepare(
    model: ContextModel,
    examples: readonly ContextExample[],
    labels: readonly number[],
    signal?: AbortSignal,
  ): Promise<ContextSession> {
    const session = new ContextSession(model, labels, []);
    try {
      for (const example of examples) await session.add(example, signal);
      return session;
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** Side of masks, in pixels. */
  get size(): number {
    return this.model.decoder.size;
  }

  /** A further prompt. @throws AbortedError, DisposedError */
  async add({ image, mask }: ContextExample, signal?: AbortSignal): Promise<void> {
    const { decoder, coarse } = this.model;
    const seen = await look(this.model, image, signal);
    let kept = false;
    try {
      this.given.push(await decoder.prompt(seen.tokens, this.masksOf(mask, decoder.size)));
      this.unjoin();
      const known = this.checked.flatMap((each) => [...each.masks.keys()]);
      const first = this.masksOf(mask, coarse.size).flatMap((each, k) =>
        !known.includes(k) && each.includes(1) ? [[k, each] as const] : [],
      );
      kept = first.length > 0;
      if (kept) this.checked.push({ tokens: seen.coarse, masks: new Map(first) });
    } finally {
      decoder.free(seen.tokens);
      if (!kept) coarse.free(seen.coarse);
    }
  }

  /** For each label `(size, size)` of 0 and 1. */
  private masksOf({ data, width, height }: LabelMap, size: number): Float32Array[] {
    const small = resizeNearest(data, [height, width, 1], [size, size]);
    return this.labels.map((label) => Float32Array.from(small, (each) => (each === label ? 1 : 0)));
  }

  /** Replaces the prompts beside those that were given. The session frees those that it no longer has. */
  remember(remembered: readonly ContextPrompts[]): void {
    const { decoder } = this.model;
    for (const each of this.remembered) if (!remembered.includes(each)) decoder.release(each);
    this.remembered = remembered;
    this.unjoin();
  }

  /** The caller releases the reading. @throws AbortedError, DisposedError */
  async read(image: RgbImage, signal?: AbortSignal): Promise<ContextReading> {
    const { sam, decoder } = this.model;
    const { tokens, coarse } = await look(this.model, image, signal);
    let held = true;
    const release = () => {
      if (held && !sam.disposed) [tokens, coarse].forEach((each) => decoder.free(each));
      held = false;
    };
    try {
      this.joined ??= decoder.join([...this.given, ...this.remembered]);
      return {
        ...(await this.decode(tokens, this.joined, signal)),
        release,
        consistency: (candidates) => this.consistency(coarse, candidates, signal),
        again: (masks) => this.again(tokens, masks, signal),
        prompt: (masks) => decoder.prompt(tokens, masks).finally(release),
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    if (this.model.sam.disposed) return;
    this.unjoin();
    for (const each of [...this.given.splice(0), ...this.remembered])
      this.model.decoder.release(each);
    for (const { tokens } of this.checked.splice(0)) this.model.decoder.free(tokens);
    this.remembered = [];
  }

  private async decode(
    tokens: PictureTokens,
    prompts: ContextPrompts,
    signal?: AbortSignal,
  ): Promise<ContextLogits> {
    const { decoder } = this.model;
    const answers = await decoder.decode(tokens, prompts, signal);
    return {
      size: decoder.size,
      planes: answers.map(({ logits }) => logits),
      presence: answers.map(({ presence }) => presence),
    };
  }

  private async consistency(
    tokens: PictureTokens,
    candidates: readonly (readonly Float32Array[])[],
    signal?: AbortSignal,
  ): Promise<number[][]> {
    const { decoder, coarse } = this.model;
    const scores = candidates.map((masks) => masks.map(() => 0));
    const [size, side] = [coarse.size, decoder.size];
    const shrunk = (data: Float32Array) =>
      resizePlane({ data, stride: side, width: side, height: side }, size, size);
    for (const { tokens: example, masks } of this.checked) {
      const asked = [...masks].flatMap(([k, mask]) =>
        candidates.map((candidate, c) => ({ c, k, mask, candidate: candidate[k] })),
      );
      const prompts = await coarse.prompt(
        tokens,
        asked.map(({ candidate }) => shrunk(candidate)),
      );
      try {
        const answers = await coarse.decode(example, prompts, signal);
        asked.forEach(({ c, k, mask }, i) => (scores[c][k] = softIou(answers[i].logits, mask)));
      } finally {
        coarse.release(prompts);
      }
    }
    return scores;
  }

  private async again(
    tokens: PictureTokens,
    masks: readonly Float32Array[],
    signal?: AbortSignal,
  ): Promise<ContextLogits> {
    const { decoder } = this.model;
    const found = await decoder.prompt(tokens, masks);
    try {
      const both = decoder.join([...this.given, ...this.remembered, found]);
      return await this.decode(tokens, both, signal).finally(() => decoder.release(both));
    } finally {
      decoder.release(found);
    }
  }

  private unjoin(): void {
    if (this.joined) this.model.decoder.release(this.joined);
    this.joined = undefined;
  }
}

/** Intersection over union of what logits say and a mask of 0 and 1. */
function softIou(logits: Float32Array, mask: Float32Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < mask.length; i++) {
    const fit = fitOf(logits[i]);
    both += fit * mask[i];
    either += fit + mask[i] - fit * mask[i];
  }
  return both / either;
}

/** A picture's tokens; the caller frees both. */
async function look(
  { sam, decoder, coarse }: ContextModel,
  image: RgbImage,
  signal: AbortSignal | undefined,
): Promise<Seen> {
  throwIfAborted(signal);
  sam.checkAlive();
  const { rows, columns } = encodedSize(image.width, image.height);
  const fit = fitSquare(image.width, image.height, ENCODER_SIDE);
  const pixels = toPadded(image, fit, rows, columns);
  const encoded = await sam.encodeStages(pixels, rows, columns, { signal });
  const on = (grid: ContextDecoder) => {
    const { size } = grid;
    const features = grid.gather(encoded, image);
    try {
      return grid.look(features, normalizeColors(imageHalf(image, { height: size, width: size })));
    } finally {
      grid.free(features);
    }
  };
  let tokens: PictureTokens | undefined;
  try {
    tokens = on(decoder);
    return { tokens, coarse: on(coarse) };
  } catch (error) {
    if (tokens && !sam.disposed) decoder.free(tokens);
    throw error;
  } finally {
    encoded.stages.forEach((stage) => decoder.free(stage));
  }
}
