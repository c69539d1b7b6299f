/**
 * The SegGPT painter (Wang et al. 2023, arXiv:2304.03284; Painter, arXiv:2212.02499), after the
 * official `models_seggpt.py`. Shape letters as in `engines/engine.ts` and `token-layout.ts`.
 *
 * Two things differ from the official code, and neither changes a number:
 *
 * - The image stream and the mask stream run one after the other until they merge, instead of as one
 *   batch. The mask stream never sees the target image, so its result can be kept between targets.
 * - A canvas is two halves in one token matrix. Under feature ensemble the target halves of all
 *   canvases are equal at every layer, so one is stored and computed (`targets: 1`).
 *
 * Functions that run blocks are generators: they yield after every block, so that a caller may report
 * progress, wait for the device, or stop. Stopping (`return()`) frees what was in flight.
 */
import type { Engine, EngineTensor, RelativePosition, RowRange } from '../../engines/engine';
import type { PainterConfig } from './config';
import type { PainterParameters } from './parameters';
import { absolutePositionMatrix, relativePositionMatrix } from '../../nn/position-tables';
import { paintingHead } from '../../nn/painting-head';
import { vitBlock } from '../../nn/vit-block';
import {
  addPositions,
  averageTargets,
  canvasSegments,
  halfLength,
  type TokenLayout,
} from './token-layout';

export type Task = 'instance' | 'semantic';
/** Which of the canvas' two streams: the pictures or the masks. */
export type Stream = 'image' | 'mask' | 'merged';

/** Token rows and columns of a whole canvas. */
export interface Grid {
  /** In tokens. */
  readonly rows: number;
  /** In tokens. */
  readonly columns: number;
}

/** Positions spread over a grid: what does not depend on any picture. */
export interface Positions {
  /** Added to every image token and every mask token: `(2 Lh, D)`, with segment and type token. */
  readonly image: EngineTensor;
  /** Table that is added to tokens of the mask stream. */
  readonly mask: EngineTensor;
  /** One for each block, or `null` where the model has no relative positions. */
  readonly relative: readonly (RelativePosition | null)[];
}

/** Yielded after each block. `tokens` is the painter's: read it, do not free it. */
export interface BlockOutput {
  /** Which block it is, from 0. */
  readonly block: number;
  /** Which stream it computed. */
  readonly stream: Stream;
  /** What the block gave; the driver owns it. */
  readonly tokens: EngineTensor;
}

/** How canvases pass through the model. */
export interface ForwardOptions {
  /** Feature ensemble with target halves stored separately; needless when the layout shares them. */
  readonly averageTargets?: boolean;
}

/** Which tokens are decoded, as which pictures. */
export interface DecodePlan {
  /** Rows of tokens that are decoded. */
  readonly ranges: readonly RowRange[];
  /** How many pictures they make. */
  readonly images: number;
  /** Token rows of each picture. */
  readonly rows: number;
  /** Token columns of each picture. */
  readonly columns: number;
}

/** Decodes whole canvases: `N` pictures of `2h` token rows, a shared target half repeated. */
export function canvasPlan(layout: TokenLayout): DecodePlan {
  const Lh = halfLength(layout);
  const ranges: RowRange[] = [];
  for (let n = 0; n < layout.prompts; n++) {
    const target = layout.prompts + (layout.targets === 1 ? 0 : n);
    ranges.push([n * Lh, (n + 1) * Lh], [target * Lh, (target + 1) * Lh]);
  }
  return { ranges, images: layout.prompts, rows: 2 * layout.rows, columns: layout.columns };
}

/**
 * Decodes target halves alone. The decoder's 3x3 convolution reaches one pixel row over the seam, so
 * the last token row of the prompt half comes along (the first prompt's, where the target is shared,
 * as the official code returns the first canvas). `M` pictures of `h + 1` token rows.
 */
export function targetPlan(layout: TokenLayout): DecodePlan {
  const Lh = halfLength(layout);
  const ranges: RowRange[] = [];
  for (let m = 0; m < layout.targets; m++) {
    const target = (layout.prompts + m) * Lh;
    ranges.push([(m + 1) * Lh - layout.columns, (m + 1) * Lh], [target, target + Lh]);
  }
  return { ranges, images: layout.targets, rows: layout.rows + 1, columns: layout.columns };
}

/** The model: weights in an engine's memory and what to do with them. Owns neither pictures nor results. */
export class PainterModel {
  constructor(
    /** What computes. */
    readonly engine: Engine,
    /** The architecture. */
    readonly config: PainterConfig,
    /** The weights, on the engine. */
    readonly parameters: PainterParameters,
  ) {}

  /** Spreads the learned position tables over a grid. The caller frees the result. */
  positions(grid: Grid, task: Task): Positions {
    const { engine, config, parameters } = this;
    const side = config.pretrainSize / config.patch;
    const matrix = absolutePositionMatrix(side, grid.rows, grid.columns);
    return engine.tidy(() => {
      const absolute = engine.add(
        engine.interpolate(matrix, parameters.positions),
        parameters.typeTokens[task],
      );
      // Blocks have tables of one size, so one matrix for each axis serves them all.
      const matrices = new Map<string, Float32Array>();
      const spread = (table: EngineTensor, length: number) => {
        const [entries] = table.shape;
        const key = `${entries} ${length}`;
        const known = matrices.get(key) ?? relativePositionMatrix(entries, length);
        matrices.set(key, known);
        return engine.interpolate(known, table);
      };
      const relative = parameters.blocks.map((block) => {
        if (!block.relative) return null;
        return {
          rows: spread(block.relative.rows, grid.rows), // (2h * 2h, d)
          columns: spread(block.relative.columns, grid.columns), // (w * w, d)
        };
      });
      return {
        image: engine.add(absolute, parameters.segmentTokens.image), // (2 Lh, D)
        mask: engine.add(absolute, parameters.segmentTokens.mask),
        relative,
      };
    });
  }

  /**
   * Pictures to tokens.
   *
   * @param halves `(prompts + targets, H/2, W, 3)` normalised pixels, in the order of `layout`.
   * @param masked one flag for each row; masked rows become the mask token. Mask stream only.
   * @returns `(R, D)`
   */
  embed(
    halves: EngineTensor,
    stream: 'image' | 'mask',
    layout: TokenLayout,
    positions: Positions,
    masked?: Uint8Array,
  ): EngineTensor {
    const { engine, config, parameters } = this;
    return engine.tidy(() => {
      let tokens = engine.linear(engine.patchify(halves, config.patch), parameters.patchEmbedding);
      if (masked) tokens = engine.maskRows(tokens, masked, parameters.maskToken);
      return addPositions(engine, tokens, positions[stream], layout);
    });
  }

  /**
   * Blocks 0 … mergeIndex of one stream. Frees `tokens`; the caller frees the result, `(R, D)`.
   */
  *encodeStream(
    tokens: EngineTensor,
    stream: 'image' | 'mask',
    layout: TokenLayout,
    positions: Positions,
    options: ForwardOptions = {},
  ): Generator<BlockOutput, EngineTensor> {
    const { engine, config } = this;
    let x = tokens;
    let finished = false;
    try {
      for (let block = 0; block <= config.mergeIndex; block++) {
        x = this.replace(x, this.block(block, x, layout, positions, options));
        yield { block, stream, tokens: x };
      }
      finished = true;
      return x;
    } finally {
      if (!finished) engine.dispose(x);
    }
  }

  /**
   * The blocks after the merge, then the decoder. Frees `tokens`.
   *
   * @param tokens `(R, D)`, mean of both streams after block `mergeIndex`.
   * @returns `(plan.images, plan.rows * p, plan.columns * p, 3)` normalised colours.
   */
  *paintMerged(
    tokens: EngineTensor,
    layout: TokenLayout,
    positions: Positions,
    plan: DecodePlan,
    options: ForwardOptions & { readonly skipUnread?: boolean } = {},
  ): Generator<BlockOutput, EngineTensor> {
    const { engine, config, parameters } = this;
    const last = config.depth - 1;
    const taps: EngineTensor[] = [];
    let x = tokens;
    try {
      for (let block = config.mergeIndex; block <= last; block++) {
        // Past the last attention only decoded rows are read, so no others are computed.
        const queries = block === last && options.skipUnread ? plan.ranges : undefined;
        if (block > config.mergeIndex) {
          x = this.replace(x, this.block(block, x, layout, positions, { ...options, queries }));
          yield { block, stream: 'merged', tokens: x };
        }
        if (config.taps.includes(block)) {
          taps.push(
            engine.tidy(() => {
              const rows = queries ? x : engine.takeRows(x, plan.ranges);
              return engine.layerNorm(rows, parameters.norm);
            }),
          );
        }
      }
      return this.decode(taps, plan);
    } finally {
      engine.dispose(x, ...taps);
    }
  }

  /** Taps `(rows, D)` each → pictures; see {@link PainterModel.paintMerged}. */
  private decode(taps: readonly EngineTensor[], plan: DecodePlan): EngineTensor {
    const { engine, config, parameters } = this;
    return engine.tidy(() => {
      const features = engine.linear(engine.concatColumns(taps), parameters.decoderEmbedding); // (rows, p*p*C)
      const grid = {
        images: plan.images,
        rows: plan.rows,
        columns: plan.columns,
        patch: config.patch,
      };
      return paintingHead(engine, features, grid, parameters.head);
    });
  }

  private block(
    index: number,
    x: EngineTensor,
    layout: TokenLayout,
    positions: Positions,
    options: ForwardOptions & { readonly queries?: readonly RowRange[] },
  ): EngineTensor {
    const { engine, config } = this;
    const { queries } = options;
    const plan = {
      heads: config.heads,
      headWidth: config.width / config.heads,
      segments: canvasSegments(layout, queries),
      relative: positions.relative[index],
    };
    return vitBlock(engine, x, this.parameters.blocks[index], plan, {
      rows: queries,
      // The official code averages after the projection; averaging first is the same, and cheaper.
      afterAttention: options.averageTargets
        ? (mixed) => averageTargets(engine, mixed, layout)
        : undefined,
    });
  }

  private replace(old: EngineTensor, next: EngineTensor): EngineTensor {
    this.engine.dispose(old);
    return next;
  }
}
