import type { Engine, EngineTensor, PaintingGrid, PaintingHeadWeights } from '../engines/engine';

/**
 * Turns decoder features into colours: pixel shuffle, 3x3 convolution with zero padding, layer norm over channels, GELU,
 * 1x1 convolution. Engines that can do it in one do.
 *
 * @param features `(B * rows * columns, p*p*C)`, (dy, dx, c) order.
 * @returns `(B, rows*p, columns*p, 3)`
 */
export function paintingHead(
  engine: Engine,
  features: EngineTensor,
  grid: PaintingGrid,
  weights: PaintingHeadWeights,
): EngineTensor {
  return engine.paintingHead
    ? engine.paintingHead(features, grid, weights)
    : paintingHeadByParts(engine, features, grid, weights);
}

/** {@link paintingHead} of ops that every engine has: what the fused ones are tested against. */
export function paintingHeadByParts(
  engine: Engine,
  features: EngineTensor,
  grid: PaintingGrid,
  { convolution, norm, colors }: PaintingHeadWeights,
): EngineTensor {
  const { images, patch } = grid;
  const [rows, columns] = [grid.rows * patch, grid.columns * patch];
  return engine.tidy(() => {
    const pixels = engine.pixelShuffle(features, grid); // (B * H * W, C)
    const convolved = engine.convolution(pixels, convolution, { images, rows, columns });
    const active = engine.activate(engine.layerNorm(convolved, norm), 'gelu');
    return engine.reshape(engine.linear(active, colors), [images, rows, columns, 3]);
  });
}
