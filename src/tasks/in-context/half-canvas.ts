import { resizeBicubic } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';

/** Size of one half of a canvas, in pixels. */
export interface HalfSize {
  readonly height: number;
  readonly width: number;
}

/** A picture squeezed to a half, bicubic as the official loader does: `(height, width, 3)` 8-bit. */
export function imageHalf(image: RgbImage, size: HalfSize): Uint8Array {
  return resizeBicubic(image.data, [image.height, image.width, 3], [size.height, size.width]);
}

/**
 * Spatial ensemble (SegGPT, section 3.3): many halves shrunk into one, as an n x n grid. Left-over cells
 * repeat the first ones.
 *
 * @param draw makes cell `i` at a given size, `(height, width, 3)`.
 */
export function gridHalf(
  count: number,
  size: HalfSize,
  draw: (index: number, size: HalfSize) => Uint8Array,
): Uint8Array {
  const side = Math.ceil(Math.sqrt(count));
  const result = new Uint8Array(size.height * size.width * 3);
  const edge = (length: number, i: number) => Math.round((length * i) / side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [top, bottom] = [edge(size.height, row), edge(size.height, row + 1)];
      const [left, right] = [edge(size.width, column), edge(size.width, column + 1)];
      const cell = draw((row * side + column) % count, {
        height: bottom - top,
        width: right - left,
      });
      const stride = (right - left) * 3;
      for (let y = top; y < bottom; y++) {
        result.set(
          cell.subarray((y - top) * stride, (y - top + 1) * stride),
          (y * size.width + left) * 3,
        );
      }
    }
  }
  return result;
}
