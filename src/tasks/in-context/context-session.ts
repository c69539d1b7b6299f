import { throwIfAborted } from '../../base/abort';
import { imageHalf } from './half-canvas';
import { resizeNearest } from '../../images/resize';
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

/** A target that was read: what was found, and its tokens, with which it may be remembered. */
export interface ContextReading extends ContextLogits {
  /** Frees the tokens. Calling it again does nothing. */
  release(): void;
  /** The target becomes a prompt, with a mask `(size, size)`, 0 … 1, for each label. The tokens are freed. */
  prompt(masks: readonly Float32Array[]): Promise<ContextPrompts>;
}

/**
 * Prompts prepared for the context decoder: what it needs of each picture and label stays on the engine. Free it with
 * `dispose()`.
 */
export class ContextSession {
  private remembered: readonly ContextPrompts[] = [];
  private joined: ContextPrompts | undefined;

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
    const { model, size } = this;
    const tokens = await look(model, image, signal);
    try {
      const small = resizeNearest(mask.data, [mask.height, mask.width, 1], [size, size]);
      const masks = this.labels.map((label) =>
        Float32Array.from(small, (each) => (each === label ? 1 : 0)),
      );
      this.given.push(await model.decoder.prompt(tokens, masks));
      this.unjoin();
    } finally {
      model.decoder.free(tokens);
    }
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
    const tokens = await look(this.model, image, signal);
    let held = true;
    const release = () => {
      if (held && !sam.disposed) decoder.free(tokens);
      held = false;
    };
    try {
      this.joined ??= decoder.join([...this.given, ...this.remembered]);
      const answers = await decoder.decode(tokens, this.joined, signal);
      return {
        size: decoder.size,
        planes: answers.map(({ logits }) => logits),
        presence: answers.map(({ presence }) => presence),
        release,
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
    this.remembered = [];
  }

  private unjoin(): void {
    if (this.joined) this.model.decoder.release(this.joined);
    this.joined = undefined;
  }
}

/** A picture's tokens; the caller disposes them. */
async function look(
  { sam, decoder }: ContextModel,
  image: RgbImage,
  signal: AbortSignal | undefined,
): Promise<PictureTokens> {
  throwIfAborted(signal);
  sam.checkAlive();
  const { size } = decoder;
  const { rows, columns } = encodedSize(image.width, image.height);
  const fit = fitSquare(image.width, image.height, ENCODER_SIDE);
  const pixels = toPadded(image, fit, rows, columns);
  const encoded = await sam.encodeStages(pixels, rows, columns, { signal });
  let features: PictureTokens;
  try {
    features = decoder.gather(encoded, image);
  } finally {
    encoded.stages.forEach((stage) => decoder.free(stage));
  }
  try {
    const half = imageHalf(image, { height: size, width: size });
    return decoder.look(features, normalizeColors(half));
  } finally {
    decoder.free(features);
  }
}
