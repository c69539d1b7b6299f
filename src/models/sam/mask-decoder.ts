import type {
  Engine,
  EngineTensor,
  HeadColumns,
  LinearWeights,
  RowSpan,
} from '../../engines/engine';
import type { WeightReader } from '../weight-reader';
import type { SamConfig } from './config';
import {
  type DecoderWeights,
  type ImageProducts,
  loadDecoderWeights,
} from './mask-decoder-weights';
import type { DecoderSpec } from './parameter-table';
import type { PromptEncoder } from './prompt-encoder';

/** What a picture's prompts share: its features with "no mask" added, and the first block's products of them. */
export interface ImageContext {
  /** `(G * G, channels)` features as the encoder gave them. */
  readonly features: EngineTensor;
  /** `(G * G, channels)` */
  readonly unmasked: EngineTensor;
  /** `(G * G, 3 * inner)` */
  readonly products: EngineTensor;
}

/** A prompt as the decoder takes it. */
export interface DecoderPrompt {
  /** `(N, channels)` */
  readonly tokens: Float32Array;
  /** `(4G, 4G)` logits. */
  readonly mask?: Float32Array;
}

/** What the decoder says: masks of all prompts. */
export interface DecoderOutput {
  /** `P` prompts, `M` masks each. */
  readonly masks: number;
  /** `4G`, side of a mask. */
  readonly side: number;
  /** `(P, M, 4G, 4G)` logits over the padded square: above 0 is inside. */
  readonly logits: Float32Array;
  /** `(P, M)` intersection over union that the model expects of each mask, about 0 … 1. */
  readonly iou: Float32Array;
}

/**
 * SAM's mask decoder (`segment_anything/modeling/{mask_decoder,transformer}.py`): tokens and picture look at each other in
 * turn, then each mask token makes a linear classifier of upscaled pixels. Tokens of several prompts go together; the
 * picture's rows, which each prompt changes for itself, go one prompt after the other.
 */
export class MaskDecoder {
  private constructor(
    private readonly config: SamConfig,
    private readonly weights: DecoderWeights,
  ) {}

  /** @throws CheckpointError for what cannot be read. */
  static async load(
    reader: WeightReader,
    config: SamConfig,
    spec: DecoderSpec,
    prompts: PromptEncoder,
  ): Promise<MaskDecoder> {
    return new MaskDecoder(config, await loadDecoderWeights(reader, config, spec, prompts));
  }

  /** Computes what all prompts of a picture share. The caller disposes the three tensors. */
  prepare(engine: Engine, features: EngineTensor, noMask: EngineTensor): ImageContext {
    const [unmasked, products] = engine.tidy(() => {
      const image = engine.add(features, noMask);
      return [image, this.products(engine, image, this.weights.blocks[0].imageProducts)];
    });
    return { features, unmasked, products };
  }

  /**
   * Masks for prompts of one picture. `embedMask` turns mask logits into what is added to the features.
   *
   * @param multimask three masks for each prompt (whole, part, subpart), or the one for prompts that say enough.
   */
  async decode(
    engine: Engine,
    context: ImageContext,
    prompts: readonly DecoderPrompt[],
    multimask: boolean,
    embedMask: (logits: Float32Array) => EngineTensor,
  ): Promise<DecoderOutput> {
    const { multimaskOutputs } = this.config.decoder;
    const side = (4 * this.config.imageSize) / this.config.patch;
    const masks = multimask ? multimaskOutputs : 1;
    const [nested, scores] = engine.tidy(() => {
      const { queries, images } = this.transform(engine, context, prompts, embedMask);
      const spans = spansOf(prompts, this.config);
      const tokenOf = (offset: number) =>
        engine.takeRows(
          queries,
          spans.map(({ start }) => [start + offset, start + offset + 1] as const),
        );
      const first = multimask ? 1 : 0;
      const classifiers = Array.from({ length: masks }, (_, m) =>
        perceptron(engine, tokenOf(1 + first + m), this.weights.hypernetworks[first + m]),
      );
      const maps = images.map((image, p) => {
        const rows = classifiers.map((each) => engine.takeRows(each, [[p, p + 1]]));
        return engine.rowProducts(this.upscaled(engine, image), engine.concatRows(rows));
      });
      return [
        engine.concatRows(maps), // (P * 16 G * G, M), pixels nested: place, quarter, quarter
        perceptron(engine, tokenOf(0), this.weights.iouHead), // (P, masks)
      ];
    });
    try {
      const all = await engine.download(scores);
      const logits = unnested(await engine.download(nested), prompts.length, masks, side);
      const outputs = multimaskOutputs + 1;
      const iou = Float32Array.from(
        { length: prompts.length * masks },
        (_, i) => all[Math.floor(i / masks) * outputs + (multimask ? 1 + (i % masks) : 0)],
      );
      return { masks, side, logits, iou };
    } finally {
      engine.dispose(nested, scores);
    }
  }

  /** The two-way transformer: tokens of all prompts as one matrix, and each prompt's picture `(G * G, channels)`. */
  private transform(
    engine: Engine,
    context: ImageContext,
    prompts: readonly DecoderPrompt[],
    embedMask: (logits: Float32Array) => EngineTensor,
  ): { queries: EngineTensor; images: EngineTensor[] } {
    const { weights, config } = this;
    const { channels: C, decoder } = config;
    const spans = spansOf(prompts, config);
    const values = new Float32Array(spans[spans.length - 1].end * C);
    prompts.forEach(({ tokens }, p) => {
      values.set(weights.outputTokens, spans[p].start * C);
      values.set(tokens, spans[p].start * C + weights.outputTokens.length);
    });
    const codes = engine.upload(values, [values.length / C, C]); // also what says which token is which
    const inner = C / decoder.downsample;
    let images = prompts.map(({ mask }) =>
      mask ? engine.add(context.features, embedMask(mask)) : context.unmasked,
    );
    const toImage = (queries: EngineTensor, products: readonly EngineTensor[]) => {
      const plan = { heads: decoder.heads, headWidth: inner / decoder.heads };
      return engine.concatRows(
        spans.map((span, p) => {
          const keys = [[{ start: 0, end: products[p].shape[0] }]];
          return engine.attention(
            { tensor: queries },
            { tensor: products[p] },
            { tensor: products[p], column: inner },
            { ...plan, segments: [{ queries: span, keys }] },
          );
        }),
      );
    };
    let queries = codes;
    weights.blocks.forEach((block, index) => {
      const first = index === 0;
      queries = engine.tidy(() => {
        const placed = first ? queries : engine.add(queries, codes);
        const mixed = engine.attention(
          head(engine.linear(placed, block.self.query)),
          head(engine.linear(placed, block.self.key)),
          head(engine.linear(queries, block.self.value)),
          {
            heads: decoder.heads,
            headWidth: C / decoder.heads,
            segments: spans.map((span) => ({ queries: span, keys: [[span]] })),
          },
        );
        const attended = engine.linear(
          mixed,
          block.self.output,
          first ? {} : { residual: queries },
        );
        return engine.layerNorm(attended, block.norm1);
      });
      const products = images.map((image) =>
        first && image === context.unmasked
          ? context.products
          : this.products(engine, image, block.imageProducts),
      );
      queries = engine.tidy(() => {
        const asked = engine.linear(engine.add(queries, codes), block.tokenQuery);
        const seen = engine.linear(toImage(asked, products), block.tokenOutput, {
          residual: queries,
        });
        const normed = engine.layerNorm(seen, block.norm2);
        const hidden = engine.linear(normed, block.expand, { activation: 'relu' });
        const contracted = engine.linear(hidden, block.contract, { residual: normed });
        return engine.layerNorm(contracted, block.norm3);
      });
      const keys = engine.linear(engine.add(queries, codes), block.imageKey);
      const tokenValues = engine.linear(queries, block.imageValue);
      images = images.map((image, p) =>
        engine.tidy(() => {
          const mixed = engine.attention(
            { tensor: products[p], column: 2 * inner },
            { tensor: keys },
            { tensor: tokenValues },
            {
              heads: decoder.heads,
              headWidth: inner / decoder.heads,
              segments: [{ queries: { start: 0, end: image.shape[0] }, keys: [[spans[p]]] }],
            },
          );
          const seen = engine.linear(mixed, block.imageOutput, { residual: image });
          return engine.layerNorm(seen, block.norm4);
        }),
      );
    });
    const products = images.map((image) => this.products(engine, image, weights.finalProducts));
    const asked = engine.linear(engine.add(queries, codes), weights.finalQuery);
    const seen = engine.linear(toImage(asked, products), weights.finalOutput, {
      residual: queries,
    });
    return { queries: engine.layerNorm(seen, weights.finalNorm), images };
  }

  private products(
    engine: Engine,
    image: EngineTensor,
    { weights, codes }: ImageProducts,
  ): EngineTensor {
    return engine.linear(image, weights, { residual: codes });
  }

  /** `(G * G, channels)` → `(16 G * G, channels / 8)`, four times as fine; pixels nested in their places. */
  private upscaled(engine: Engine, image: EngineTensor): EngineTensor {
    const { upscale1, upscaleNorm, upscale2 } = this.weights;
    const { channels: C } = this.config;
    return engine.tidy(() => {
      const twice = engine.reshape(engine.linear(image, upscale1), [4 * image.shape[0], C / 4]);
      const active = engine.activate(engine.layerNorm(twice, upscaleNorm), 'gelu');
      const four = engine.linear(active, upscale2, { activation: 'gelu' });
      return engine.reshape(four, [16 * image.shape[0], C / 8]);
    });
  }
}

/** Rows of each prompt among all tokens. */
function spansOf(prompts: readonly DecoderPrompt[], { channels, decoder }: SamConfig): RowSpan[] {
  let end = 0;
  return prompts.map(({ tokens }) => {
    const start = end;
    end += 2 + decoder.multimaskOutputs + tokens.length / channels;
    return { start, end };
  });
}

function head(tensor: EngineTensor): HeadColumns {
  return { tensor };
}

/** Linear layers with ReLU between them. */
function perceptron(
  engine: Engine,
  x: EngineTensor,
  layers: readonly LinearWeights[],
): EngineTensor {
  return layers.reduce(
    (value, layer, i) =>
      engine.linear(value, layer, i < layers.length - 1 ? { activation: 'relu' } : {}),
    x,
  );
}

/**
 * `(P * side², M)` with pixels as (place, quarter of it, quarter of that) → `(P, M, side, side)` row by row.
 */
function unnested(
  nested: Float32Array,
  prompts: number,
  masks: number,
  side: number,
): Float32Array {
  const result = new Float32Array(nested.length);
  const places = side / 4;
  const area = side * side;
  for (let p = 0; p < prompts; p++) {
    let from = p * area * masks;
    for (let row = 0; row < places; row++) {
      for (let column = 0; column < places; column++) {
        for (let q = 0; q < 16; q++) {
          const y = 4 * row + 2 * (q >> 3) + ((q >> 1) & 1);
          const x = 4 * column + 2 * ((q >> 2) & 1) + (q & 1);
          for (let m = 0; m < masks; m++)
            result[(p * masks + m) * area + y * side + x] = nested[from++];
        }
      }
    }
  }
  return result;
}
