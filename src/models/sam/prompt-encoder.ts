import type { Engine, EngineTensor, LayerNormWeights, LinearWeights } from '../../engines/engine';
import type { WeightReader } from '../weight-reader';
import type { SamConfig } from './config';
import { LAYER_NORM_2D_EPSILON } from './neck';
import type { PromptEncoderSpec } from './parameter-table';

/** One prompt, in pixels of the padded square. Something must be given. */
export interface SamPrompt {
  /** `(N, 2)`: x and y of each point. */
  readonly points?: Float32Array | readonly number[];
  /** For each point 1 (inside the object) or 0 (outside). */
  readonly labels?: Uint8Array | readonly number[];
  /** Left, top, right, bottom. */
  readonly box?: readonly [x0: number, y0: number, x1: number, y1: number];
  /** `(4G, 4G)` logits over the square, as the decoder gives them. */
  readonly mask?: Float32Array;
}

interface MaskEmbedding {
  readonly convolution1: LinearWeights;
  readonly norm1: LayerNormWeights;
  readonly convolution2: LinearWeights;
  readonly norm2: LayerNormWeights;
  readonly convolution3: LinearWeights;
}

/** Points, boxes and masks as the decoder's tokens and features (`segment_anything/modeling/prompt_encoder.py`). */
export class PromptEncoder {
  private constructor(
    private readonly config: SamConfig,
    /** `(2, channels / 2)` */
    private readonly frequencies: Float32Array,
    /** Background, foreground, first corner, second corner; then what stands in for no point. */
    private readonly embeddings: readonly Float32Array[],
    /** `(channels)`, added to features where no mask is given. */
    readonly noMask: EngineTensor,
    private readonly mask: MaskEmbedding,
  ) {}

  static async load(
    reader: WeightReader,
    config: SamConfig,
    spec: PromptEncoderSpec,
  ): Promise<PromptEncoder> {
    const embeddings: Float32Array[] = [];
    for (const each of [...spec.points, spec.notAPoint]) embeddings.push(await reader.floats(each));
    return new PromptEncoder(
      config,
      await reader.floats(spec.frequencies),
      embeddings,
      await reader.vector(spec.noMask),
      {
        convolution1: await reader.linear(spec.mask.convolution1),
        norm1: await reader.norm(spec.mask.norm1, LAYER_NORM_2D_EPSILON),
        convolution2: await reader.linear(spec.mask.convolution2),
        norm2: await reader.norm(spec.mask.norm2, LAYER_NORM_2D_EPSILON),
        convolution3: await reader.linear(spec.mask.convolution3),
      },
    );
  }

  /** Tells models apart whose positions are coded differently: 8 hexadecimal digits (FNV-1a of the frequencies). */
  get fingerprint(): string {
    let hash = 0x811c9dc5;
    for (const byte of new Uint8Array(this.frequencies.slice().buffer))
      hash = Math.imul(hash ^ byte, 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, '0');
  }

  /** `(N, channels)`: a token for each point, two for a box, and one that says "no point" where there is no box. */
  tokens({ points = [], labels = [], box }: SamPrompt): Float32Array {
    const { channels: C } = this.config;
    const count = points.length / 2;
    const tokens = new Float32Array((count + (box || count === 0 ? 0 : 1) + (box ? 2 : 0)) * C);
    let row = 0;
    const put = (x: number, y: number, kind: number) =>
      this.write(tokens.subarray(row++ * C, row * C), x + 0.5, y + 0.5, kind);
    for (let i = 0; i < count; i++) put(points[2 * i], points[2 * i + 1], labels[i]);
    if (box) {
      put(box[0], box[1], 2);
      put(box[2], box[3], 3);
    } else if (count > 0) tokens.set(this.embeddings[4], row * C);
    return tokens;
  }

  /** `(G * G, channels)`: where each place of the grid lies. */
  grid(): Float32Array {
    const { imageSize, patch, channels: C } = this.config;
    const side = imageSize / patch;
    const codes = new Float32Array(side * side * C);
    for (let y = 0, at = 0; y < side; y++)
      for (let x = 0; x < side; x++, at += C)
        this.write(codes.subarray(at, at + C), (x + 0.5) * patch, (y + 0.5) * patch);
    return codes;
  }

  /** `(4G, 4G)` logits → `(G * G, channels)`, to be added to the features. */
  embedMask(engine: Engine, logits: Float32Array): EngineTensor {
    const { mask, config } = this;
    const side = (4 * config.imageSize) / config.patch;
    return engine.tidy(() => {
      const pixels = engine.upload(logits, [1, side, side, 1]);
      const half = engine.linear(engine.patchify(pixels, 2), mask.convolution1);
      const active = engine.activate(engine.layerNorm(half, mask.norm1), 'gelu');
      const again = engine.reshape(active, [1, side / 2, side / 2, active.shape[1]]);
      const quarter = engine.linear(engine.patchify(again, 2), mask.convolution2);
      return engine.linear(
        engine.activate(engine.layerNorm(quarter, mask.norm2), 'gelu'),
        mask.convolution3,
      );
    });
  }

  /** Sines and cosines of random frequencies (Tancik et al. 2020, arXiv:2006.10739), and what kind of point it is. */
  private write(token: Float32Array, x: number, y: number, kind?: number): void {
    const { frequencies, config } = this;
    const half = token.length / 2;
    const [u, v] = [(2 * x) / config.imageSize - 1, (2 * y) / config.imageSize - 1];
    const added = kind === undefined ? undefined : this.embeddings[kind];
    for (let i = 0; i < half; i++) {
      const angle = 2 * Math.PI * (u * frequencies[i] + v * frequencies[half + i]);
      token[i] = Math.sin(angle) + (added ? added[i] : 0);
      token[half + i] = Math.cos(angle) + (added ? added[half + i] : 0);
    }
  }
}
