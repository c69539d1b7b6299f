/** Ops on pictures, channels last. Their rows are pixels or tokens; a tile is one row of a picture. */
import { argument } from './command';
import { activated, multiplyAdd } from './vector-math';

/**
 * `(B, H, W, C)` pixels to `(B * H/p * W/p, p*p*C)`. A tile is a row of patches.
 * Arguments: pixels, out, columns of patches, p, C.
 */
export function patchify(command: usize, tile: i32): void {
  const columns = <usize>argument(command, 2);
  const side = <usize>argument(command, 3);
  const run = (side * <usize>argument(command, 4)) << 2; // bytes of one row of one patch
  const patch = side * run;
  const pixelRow = columns * run;
  const from = <usize>argument(command, 0) + <usize>tile * side * pixelRow;
  const to = <usize>argument(command, 1) + <usize>tile * columns * patch;
  for (let dy: usize = 0; dy < side; dy++) {
    for (let column: usize = 0; column < columns; column++) {
      memory.copy(to + column * patch + dy * run, from + dy * pixelRow + column * run, run);
    }
  }
}

/** Undoes {@link patchify}; the same arguments. */
export function pixelShuffle(command: usize, tile: i32): void {
  const columns = <usize>argument(command, 2);
  const side = <usize>argument(command, 3);
  const run = (side * <usize>argument(command, 4)) << 2;
  const patch = side * run;
  const pixelRow = columns * run;
  const from = <usize>argument(command, 0) + <usize>tile * columns * patch;
  const to = <usize>argument(command, 1) + <usize>tile * side * pixelRow;
  for (let dy: usize = 0; dy < side; dy++) {
    for (let column: usize = 0; column < columns; column++) {
      memory.copy(to + dy * pixelRow + column * run, from + column * patch + dy * run, run);
    }
  }
}

/**
 * The 3x3 neighbourhoods of the pixels of some rows, `(rows * columns, 9 * C)`, zeros outside the picture: what a
 * convolution is a product with.
 *
 * Arguments: x, out, H, W, C, stride, rows and columns of a result, first row of all results.
 */
export function neighbourhoods(command: usize, tile: i32): void {
  const height = <i32>argument(command, 2);
  const width = <i32>argument(command, 3);
  const pixel = <usize>argument(command, 4) << 2;
  const stride = <i32>argument(command, 5);
  const outHeight = <i32>argument(command, 6);
  const outWidth = <i32>argument(command, 7);
  const row = <i32>argument(command, 8) + tile;
  const picture = <usize>argument(command, 0) + <usize>(row / outHeight * height * width) * pixel;
  const y0 = row % outHeight * stride - 1;
  let to = <usize>argument(command, 1) + <usize>(tile * outWidth) * 9 * pixel;
  for (let column: i32 = 0; column < outWidth; column++) {
    const x0 = column * stride - 1;
    const first = max(x0, 0);
    const there = <usize>(min(x0 + 3, width) - first) * pixel;
    const before = <usize>(first - x0) * pixel;
    for (let y = y0; y < y0 + 3; y++) {
      if (y < 0 || y >= height) {
        memory.fill(to, 0, 3 * pixel);
      } else {
        if (there < 3 * pixel) memory.fill(to, 0, 3 * pixel);
        memory.copy(to + before, picture + <usize>(y * width + first) * pixel, there);
      }
      to += 3 * pixel;
    }
  }
}

/**
 * 3x3 convolution of each channel by itself, zeros outside the picture.
 * Arguments: x, kernel (9, C), bias (C), out, H, W, C, stride, rows and columns of a result, activation.
 */
export function depthwise(command: usize, tile: i32): void {
  const kernel = <usize>argument(command, 1);
  const bias = <usize>argument(command, 2);
  const height = <i32>argument(command, 4);
  const width = <i32>argument(command, 5);
  const pixel = <usize>argument(command, 6) << 2;
  const stride = <i32>argument(command, 7);
  const outHeight = <i32>argument(command, 8);
  const outWidth = <i32>argument(command, 9);
  const kind = <i32>argument(command, 10);
  const picture = <usize>argument(command, 0) + <usize>(tile / outHeight * height * width) * pixel;
  const line = <usize>width * pixel;
  const whole = pixel & ~15;
  const y0 = tile % outHeight * stride - 1;
  const above = max(0, -y0), below = min(3, height - y0);
  let to = <usize>argument(command, 3) + <usize>(tile * outWidth) * pixel;
  for (let column: i32 = 0; column < outWidth; column++) {
    const x0 = column * stride - 1;
    const left = max(0, -x0), right = min(3, width - x0);
    // Of the pixel that the kernel's first row and first inner column lie on, which may be above the picture.
    const corner = <isize>picture + <isize>(y0 * width + x0) * <isize>pixel;
    for (let c: usize = 0; c < pixel; c += 16) {
      let sum = v128.load(bias + c);
      for (let dy = above; dy < below; dy++) {
        let x = <usize>(corner + <isize>(dy * width + left) * <isize>pixel) + c;
        let k = kernel + <usize>(3 * dy + left) * pixel + c;
        if (right - left == 3) {
          sum = multiplyAdd(v128.load(x), v128.load(k), sum);
          sum = multiplyAdd(v128.load(x + pixel), v128.load(k + pixel), sum);
          sum = multiplyAdd(v128.load(x + 2 * pixel), v128.load(k + 2 * pixel), sum);
          continue;
        }
        for (let dx = left; dx < right; dx++) {
          sum = multiplyAdd(v128.load(x), v128.load(k), sum);
          x += pixel;
          k += pixel;
        }
      }
      sum = activated(sum, kind);
      if (c < whole) {
        v128.store(to + c, sum);
      } else {
        // The next pixel may be done already, by another thread.
        v128.store32_lane(to + c, sum, 0);
        if (c + 4 < pixel) v128.store32_lane(to + c + 4, sum, 1);
        if (c + 8 < pixel) v128.store32_lane(to + c + 8, sum, 2);
      }
    }
    to += pixel;
  }
}
