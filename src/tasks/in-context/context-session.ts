import { throwIfAborted } from '../../base/abort';
import { imageHalf } from './half-canvas';
import { resizeBilinear, resizeNearest } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';
import type { LabelMap } from '../../masks/label-map';
import { ENCODER_SIDE } from '../../models/context/config';
import type { ContextDecoder, ContextPrompts } from '../../models/context/context-decoder';
import { encodedSize, pictureFeatures } from '../../models/context/picture-features';
import type { Sam } from '../../models/sam/sam';
import { normalizeColors } from '../../models/seggpt/normalize';
import type { EngineTensor } from '../../engines/engine';
import { fitSquare } from '../interactive/square';

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

/**
 * Prompts prepared for the context decoder: what it needs of each picture and label stays on the engine. Free it with
 * `dispose()`.
 */
export class ContextSession {
  private constructor(
    private readonly model: ContextModel,
    private readonly prompts: ContextPrompts,
  ) {}

  /** @throws AbortedError, DisposedError */
  static async prepare(
    model: ContextModel,
    examples: readonly ContextExample[],
    labels: readonly number[],
    signal?: AbortSignal,
  ): Promise<ContextSession> {
    const { sam, decoder } = model;
    const { size } = decoder;
    const parts: ContextPrompts[] = [];
    try {
      for (const { image, mask } of examples) {
        const tokens = await look(model, image, signal);
        try {
          const small = resizeNearest(mask.data, [mask.height, mask.width, 1], [size, size]);
          const masks = labels.map((label) =>
            Float32Array.from(small, (each) => (each === label ? 1 : 0)),
          );
          parts.push(await decoder.prompt(tokens, masks));
        } finally {
          sam.engine.dispose(tokens);
        }
      }
      return new ContextSession(model, decoder.join(parts));
    } finally {
      for (const part of parts) decoder.release(part);
    }
  }

  /** @throws AbortedError, DisposedError */
  async read(image: RgbImage, signal?: AbortSignal): Promise<ContextLogits> {
    const { model, prompts } = this;
    const tokens = await look(model, image, signal);
    try {
      const answers = await model.decoder.decode(tokens, prompts, signal);
      return {
        size: model.decoder.size,
        planes: answers.map(({ logits }) => logits),
        presence: answers.map(({ presence }) => presence),
      };
    } finally {
      model.sam.engine.dispose(tokens);
    }
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    if (!this.model.sam.disposed) this.model.decoder.release(this.prompts);
  }
}

/** A picture's tokens; the caller disposes them. */
async function look(
  { sam, decoder }: ContextModel,
  image: RgbImage,
  signal: AbortSignal | undefined,
): Promise<EngineTensor> {
  throwIfAborted(signal);
  sam.checkAlive();
  const { size, config } = decoder;
  const features = await pictureFeatures(sam, padded(image), image, config.tokens, signal);
  try {
    const half = imageHalf(image, { height: size, width: size });
    return decoder.look(features, normalizeColors(half));
  } finally {
    sam.engine.dispose(features);
  }
}

/** The part of the encoder's square that is encoded: normalised colours, zeros where it is padded. */
function padded({ data, width, height }: RgbImage): Float32Array {
  const { rows, columns } = encodedSize(width, height);
  const { fittedWidth, fittedHeight } = fitSquare(width, height, ENCODER_SIDE);
  const fitted = resizeBilinear(data, [height, width, 3], [fittedHeight, fittedWidth]);
  const colors = normalizeColors(fitted);
  const out = new Float32Array(rows * columns * 3);
  const row = fittedWidth * 3;
  for (let y = 0; y < fittedHeight; y++)
    out.set(colors.subarray(y * row, (y + 1) * row), y * columns * 3);
  return out;
}
