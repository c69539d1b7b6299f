import type {
  Engine,
  EngineTensor,
  LayerNormWeights,
  LinearWeights,
  RelativePosition,
  RowRange,
  TokenLayout,
} from '../engines/engine';

/** Weights of one pre-norm transformer block (Dosovitskiy et al. 2021, arXiv:2010.11929). */
export interface ViTBlockWeights {
  readonly attentionNorm: LayerNormWeights;
  readonly qkv: LinearWeights;
  readonly projection: LinearWeights;
  readonly mlpNorm: LayerNormWeights;
  readonly expand: LinearWeights;
  readonly contract: LinearWeights;
}

export interface ViTBlockOptions {
  readonly heads: number;
  readonly relative: RelativePosition | null;
  /** Rows to compute from the attention on; all by default. The output then has these rows alone. */
  readonly queries?: readonly RowRange[];
  /** Average the attention's output over target halves that are stored separately (feature ensemble). */
  readonly averageTargets?: boolean;
}

/**
 * x + attention(norm(x)), then x + MLP(norm(x)).
 *
 * @param x `(R, D)` token matrix; stays the caller's.
 * @returns `(R, D)`, or the rows of `queries`.
 */
export function vitBlock(
  engine: Engine,
  x: EngineTensor,
  layout: TokenLayout,
  weights: ViTBlockWeights,
  options: ViTBlockOptions,
): EngineTensor {
  const { heads, relative, queries } = options;
  return engine.tidy(() => {
    const qkv = engine.linear(engine.layerNorm(x, weights.attentionNorm), weights.qkv); // (R, 3D)
    let mixed = engine.attention(qkv, layout, { heads, relative, queries }); // (R', D)
    let residual = queries ? engine.takeRows(x, queries) : x;
    if (options.averageTargets) {
      // The official code averages after the projection; averaging first is the same, and cheaper.
      mixed = engine.averageTargets(mixed, layout);
    }
    residual = engine.linear(mixed, weights.projection, { residual }); // (R', D)
    const hidden = engine.linear(engine.layerNorm(residual, weights.mlpNorm), weights.expand, {
      gelu: true,
    });
    return engine.linear(hidden, weights.contract, { residual }); // (R', D)
  });
}
