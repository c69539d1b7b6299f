import { fusedHeads } from '../engines/attention-plan';
import type {
  AttentionPlan,
  Engine,
  EngineTensor,
  LayerNormWeights,
  LinearWeights,
  RowRange,
} from '../engines/engine';

/** Weights of one pre-norm transformer block (Dosovitskiy et al. 2021, arXiv:2010.11929). */
export interface ViTBlockWeights {
  /** Normalisation before attention. */
  readonly attentionNorm: LayerNormWeights;
  /** Product that makes queries, keys and values, in this order. */
  readonly qkv: LinearWeights;
  /** Product after attention. */
  readonly projection: LinearWeights;
  /** Normalisation before the MLP. */
  readonly mlpNorm: LayerNormWeights;
  /** The MLP's first product. */
  readonly expand: LinearWeights;
  /** The MLP's second product. */
  readonly contract: LinearWeights;
}

export interface ViTBlockOptions {
  /** Rows that the plan's queries are, where they are not all: the output then has these rows alone. */
  readonly rows?: readonly RowRange[];
  /** Applied to what attention gives, before the projection; frees nothing. */
  readonly afterAttention?: (mixed: EngineTensor) => EngineTensor;
}

/**
 * x + attention(norm(x)), then x + MLP(norm(x)).
 *
 * @param x `(R, D)` token matrix; stays the caller's.
 * @returns `(R, D)`, or the rows of `options.rows`.
 */
export function vitBlock(
  engine: Engine,
  x: EngineTensor,
  weights: ViTBlockWeights,
  plan: AttentionPlan,
  { rows, afterAttention }: ViTBlockOptions = {},
): EngineTensor {
  return engine.tidy(() => {
    const qkv = engine.linear(engine.layerNorm(x, weights.attentionNorm), weights.qkv); // (R, 3D)
    const mixed = engine.attention(...fusedHeads(qkv), plan); // (R', D)
    const attended = afterAttention ? afterAttention(mixed) : mixed;
    const residual = engine.linear(attended, weights.projection, {
      residual: rows ? engine.takeRows(x, rows) : x,
    }); // (R', D)
    const hidden = engine.linear(engine.layerNorm(residual, weights.mlpNorm), weights.expand, {
      activation: 'gelu',
    });
    return engine.linear(hidden, weights.contract, { residual }); // (R', D)
  });
}
