import { fusedHeads } from '../../engines/attention-plan';
import type { Engine, EngineTensor, PictureGrid } from '../../engines/engine';
import type { TensorSource } from '../../checkpoints/tensor-source';
import { type ContextConfig, parseContextConfig, TOKEN_PIXELS } from './config';
import { resampling } from './resampling';
import { patchesOf, unshuffled } from './token-pixels';
import { type ContextWeights, loadWeights, placesFor } from './weights';

/** A picture's size in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What an encoder's stages give of a picture: `(rows * columns, channels)` each, with their grids. */
export interface EncodedStages {
  readonly stages: readonly EngineTensor[];
  readonly grids: readonly PictureGrid[];
}

/** `(T * T, W)`, a picture as the decoder sees it. */
export type PictureTokens = EngineTensor;

/** Prompts as the decoder reads them. The caller disposes both. */
export interface ContextPrompts {
  /** `(P * T * T, W)` */
  readonly keys: EngineTensor;
  /** For each label `(P * T * T, W)`. */
  readonly values: readonly EngineTensor[];
}

/** What the decoder says of one label. */
export interface ContextAnswer {
  /** `(8T, 8T)` row-major, above 0 inside. */
  readonly logits: Float32Array;
  /** Whether the target shows the label at all, as a logit. */
  readonly presence: number;
}

/**
 * Reads masks of a target in the context of pictures whose masks are known, from features of a frozen image encoder: each
 * picture's tokens look at themselves; a target's tokens ask those of the prompts, and read their masks where they are alike;
 * what was read spreads along the target's own likeness (after DCAMA, arXiv:2207.08549, and STM, arXiv:1904.00607; see
 * `training/seggpt_training/context/model.py`). Several prompts are more keys, several labels more values.
 *
 * It keeps weights on an engine that is another's, and frees nothing of it.
 */
export class ContextDecoder {
  private constructor(
    private readonly engine: Engine,
    /** The architecture. */
    readonly config: ContextConfig,
    private readonly weights: ContextWeights,
  ) {}

  /** @throws CheckpointError if the checkpoint does not fit its config. */
  static async load(engine: Engine, source: TensorSource): Promise<ContextDecoder> {
    const config = parseContextConfig(source.config, source.origin);
    return new ContextDecoder(engine, config, await loadWeights(engine, source, config));
  }

  /** The same decoder on a grid of another size. It has the same weights, and lives as long. */
  at(tokens: number): ContextDecoder {
    const { engine, weights } = this;
    const config = { ...this.config, tokens };
    const places = placesFor(engine, weights.placing, config);
    return new ContextDecoder(engine, config, { ...weights, places });
  }

  /** Side of its masks in pixels: `8T`. */
  get size(): number {
    return this.config.tokens * TOKEN_PIXELS;
  }

  private get grid(): PictureGrid {
    const { tokens } = this.config;
    return { images: 1, rows: tokens, columns: tokens };
  }

  /**
   * Features on tokens: the first two stages and the last, each resampled to the picture alone.
   *
   * @param picture its size, in pixels of its own.
   * @returns `(T * T, channels)`; the caller's.
   */
  gather({ stages, grids }: EncodedStages, picture: PictureSize): EngineTensor {
    const { engine } = this;
    const { tokens } = this.config;
    const longer = Math.max(picture.width, picture.height);
    return engine.tidy(() =>
      engine.concatColumns(
        [0, 1, stages.length - 1].map((i) => {
          const grid = grids[i];
          const cells = Math.max(grid.rows, grid.columns) / longer;
          const across = resampling(cells * picture.width, grid.columns, tokens);
          const down = resampling(cells * picture.height, grid.rows, tokens);
          const narrow = engine.interpolate(across, stages[i], { outer: grid.rows });
          return engine.interpolate(down, narrow, { inner: tokens });
        }),
      ),
    );
  }

  /**
   * What is computed of a picture alone.
   *
   * @param features `(T * T, channels)` as the encoder gives them; read only.
   * @param pixels `(8T, 8T, 3)` normalised colours.
   * @returns `(T * T, W)`; the caller's.
   */
  look(features: EngineTensor, pixels: Float32Array): PictureTokens {
    const { engine, weights, config, size } = this;
    return engine.tidy(() => {
      const patches = engine.patchify(engine.upload(pixels, [1, size, size, 3]), TOKEN_PIXELS);
      let x = engine.linear(features, weights.features, { residual: weights.places });
      x = engine.linear(patches, weights.pixels, { residual: x });
      const plan = { heads: config.heads, headWidth: config.width / config.heads };
      const all = { start: 0, end: x.shape[0] };
      for (const block of weights.looks) {
        x = engine.tidy(() => {
          const near = engine.depthwiseConvolution(
            x,
            block.near.kernel,
            block.near.bias,
            this.grid,
          );
          const placed = engine.add(x, near);
          const qkv = engine.linear(engine.layerNorm(placed, block.norm1), block.qkv);
          const mixed = engine.attention(...fusedHeads(qkv), {
            ...plan,
            segments: [{ queries: all, keys: [[all]] }],
          });
          const seen = engine.linear(mixed, block.projection, { residual: placed });
          const hidden = engine.linear(engine.layerNorm(seen, block.norm2), block.expand, {
            activation: 'gelu',
          });
          return engine.linear(hidden, block.contract, { residual: seen });
        });
      }
      return engine.layerNorm(x, weights.norm);
    });
  }

  /**
   * What a prompt is to targets.
   *
   * @param tokens what {@link ContextDecoder.look} gave of the prompt's picture.
   * @param masks for each label `(8T, 8T)`, 0 … 1.
   */
  async prompt(tokens: PictureTokens, masks: readonly Float32Array[]): Promise<ContextPrompts> {
    const { engine, weights, size, config } = this;
    const [keys, all] = engine.tidy(() => [
      engine.linear(tokens, weights.key),
      engine.linear(tokens, weights.thing),
    ]);
    const things = await engine.download(all);
    engine.dispose(all);
    const rows = config.tokens ** 2;
    const values = masks.map((mask) => {
      const { patches, shares } = patchesOf(mask, size);
      // What a token is counts as much as the mask covers it.
      const covered = things.map((value, i) => value * shares[Math.floor(i / config.width)]);
      return engine.tidy(() =>
        engine.linear(engine.upload(patches, [rows, TOKEN_PIXELS ** 2]), weights.mask, {
          residual: engine.upload(covered, [rows, config.width]),
        }),
      );
    });
    return { keys, values };
  }

  /** Several prompts as one. The parts stay the caller's. */
  join(parts: readonly ContextPrompts[]): ContextPrompts {
    const { engine } = this;
    return {
      keys: engine.concatRows(parts.map(({ keys }) => keys)),
      values: parts[0].values.map((_, k) =>
        engine.concatRows(parts.map(({ values }) => values[k])),
      ),
    };
  }

  /** Frees a picture's tokens or features. */
  free(tokens: PictureTokens): void {
    this.engine.dispose(tokens);
  }

  /** Frees prompts. */
  release({ keys, values }: ContextPrompts): void {
    this.engine.dispose(keys, ...values);
  }

  /**
   * Every label's mask in a target.
   *
   * @param tokens what {@link ContextDecoder.look} gave of the target.
   * @throws AbortedError between labels.
   */
  async decode(
    tokens: PictureTokens,
    prompts: ContextPrompts,
    signal?: AbortSignal,
  ): Promise<ContextAnswer[]> {
    const { engine, weights } = this;
    const shared = engine.tidy(() => [
      engine.linear(tokens, weights.query),
      engine.linear(tokens, weights.own),
      ...weights.decodes.flatMap(({ spread }) =>
        spread ? [engine.linear(tokens, spread.query), engine.linear(tokens, spread.key)] : [],
      ),
    ]);
    const [query, own, ...likeness] = shared;
    try {
      const answers: ContextAnswer[] = [];
      for (const values of prompts.values) {
        const [logits, state] = this.decodeOne(query, own, likeness, prompts.keys, values);
        try {
          await engine.flush(signal);
          answers.push({
            logits: unshuffled(await engine.download(logits), this.config.tokens),
            presence: presenceOf(await engine.download(state), weights.presence),
          });
        } finally {
          engine.dispose(logits, state);
        }
      }
      return answers;
    } finally {
      engine.dispose(...shared);
    }
  }

  private decodeOne(
    query: EngineTensor,
    own: EngineTensor,
    likeness: readonly EngineTensor[],
    keys: EngineTensor,
    values: EngineTensor,
  ): [logits: EngineTensor, state: EngineTensor] {
    const { engine, weights, config } = this;
    const all = { start: 0, end: query.shape[0] };
    return engine.tidy(() => {
      const read = engine.attention(
        { tensor: query },
        { tensor: keys },
        { tensor: values },
        {
          heads: config.heads,
          headWidth: config.width / config.heads,
          segments: [{ queries: all, keys: [[{ start: 0, end: keys.shape[0] }]] }],
        },
      );
      let state = engine.linear(read, weights.read, { residual: own });
      let next = 0;
      for (const block of weights.decodes) {
        const { spread } = block;
        const pair = spread && ([likeness[next++], likeness[next++]] as const);
        state = engine.tidy(() => {
          let s = state;
          if (spread && pair) {
            const value = engine.linear(engine.layerNorm(s, spread.norm), spread.value);
            const mixed = engine.attention(
              { tensor: pair[0] },
              { tensor: pair[1] },
              { tensor: value },
              {
                heads: config.stateHeads,
                headWidth: config.state / config.stateHeads,
                segments: [{ queries: all, keys: [[all]] }],
              },
            );
            s = engine.linear(mixed, spread.projection, { residual: s });
          }
          const near = engine.depthwiseConvolution(
            s,
            block.near.kernel,
            block.near.bias,
            this.grid,
          );
          const hidden = engine.linear(engine.layerNorm(near, block.norm), block.expand, {
            activation: 'gelu',
          });
          return engine.linear(hidden, block.contract, { residual: s });
        });
      }
      const last = engine.layerNorm(state, weights.last);
      return [engine.linear(last, weights.logits), last];
    });
  }
}

/** A linear reading of the state's mean and maximum over tokens. */
function presenceOf(state: Float32Array, weights: Float32Array): number {
  const width = (weights.length - 1) / 2;
  const rows = state.length / width;
  let logit = weights[2 * width];
  for (let c = 0; c < width; c++) {
    let [sum, most] = [0, -Infinity];
    for (let r = 0; r < rows; r++) {
      const value = state[r * width + c];
      sum += value;
      if (value > most) most = value;
    }
    logit += (weights[c] * sum) / rows + weights[width + c] * most;
  }
  return logit;
}
