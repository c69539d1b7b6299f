import type {
  Engine,
  EngineTensor,
  LayerNormWeights,
  LinearWeights,
  PictureGrid,
} from '../../engines/engine';
import type { WeightReader } from '../weight-reader';
import type { NeckSpec } from './parameter-table';

/** The epsilon of the necks' norms, in every SAM. */
export const LAYER_NORM_2D_EPSILON = 1e-6;

/** What brings an encoder's tokens to the decoder's channels. */
export interface NeckWeights {
  readonly reduce: LinearWeights;
  readonly norm1: LayerNormWeights;
  readonly convolution: LinearWeights;
  readonly norm2: LayerNormWeights;
}

export async function loadNeck(reader: WeightReader, spec: NeckSpec): Promise<NeckWeights> {
  return {
    reduce: await reader.linear(spec.reduce),
    norm1: await reader.norm(spec.norm1, LAYER_NORM_2D_EPSILON),
    convolution: await reader.linear(spec.convolution),
    norm2: await reader.norm(spec.norm2, LAYER_NORM_2D_EPSILON),
  };
}

/** `(B * H * W, D)` → `(B * H * W, channels)`: 1x1 convolution, norm, 3x3 convolution, norm. */
export function neck(
  engine: Engine,
  x: EngineTensor,
  weights: NeckWeights,
  grid: PictureGrid,
): EngineTensor {
  return engine.tidy(() => {
    const reduced = engine.layerNorm(engine.linear(x, weights.reduce), weights.norm1);
    return engine.layerNorm(engine.convolution(reduced, weights.convolution, grid), weights.norm2);
  });
}
