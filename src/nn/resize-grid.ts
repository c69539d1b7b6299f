import type { Engine, EngineTensor, PictureGrid } from '../engines/engine';
import { linearAxis } from './axes';

/**
 * Resizes pictures of tokens bilinearly, with half-pixel centres and no antialiasing (PyTorch's `interpolate` with
 * `align_corners=False`).
 *
 * @param x `(B * H * W, C)`
 * @returns `(B * size.rows * size.columns, C)`
 */
export function resizeGrid(
  engine: Engine,
  x: EngineTensor,
  { images, rows, columns }: PictureGrid,
  size: { readonly rows: number; readonly columns: number },
): EngineTensor {
  return engine.tidy(() => {
    const down = Float32Array.from(linearAxis(size.rows, rows));
    const across = Float32Array.from(linearAxis(size.columns, columns));
    const tall = engine.interpolate(down, x, { outer: images, inner: columns });
    return engine.interpolate(across, tall, { outer: images * size.rows });
  });
}
