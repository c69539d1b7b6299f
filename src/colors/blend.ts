import type { ColorMapping } from './color-mapping';

/**
 * A soft mask as a picture: each pixel the mean of the labels' colours, weighed by how well they fit.
 * Background is black.
 *
 * @param planes fits of the mapping's labels, `(N)` each, background left out.
 * @returns `(N, 3)` RGB 8-bit.
 */
export function blendColors(planes: readonly Float32Array[], { colors }: ColorMapping): Uint8Array {
  const length = planes[0].length;
  const result = new Uint8ClampedArray(length * 3);
  for (let i = 0; i < length; i++) {
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < planes.length; k++) sum += planes[k][i] * colors[k][c];
      result[i * 3 + c] = sum;
    }
  }
  return new Uint8Array(result.buffer);
}
