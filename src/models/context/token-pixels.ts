/** Between pictures of `8T x 8T` pixels and rows of tokens. */
import { TOKEN_PIXELS } from './config';

/** A mask `(8T, 8T)` by tokens: `(T * T, 64)` with a half taken off, and its mean over each. */
export function patchesOf(mask: Float32Array, size: number) {
  const [side, area] = [size / TOKEN_PIXELS, TOKEN_PIXELS ** 2];
  const patches = new Float32Array(mask.length);
  const shares = new Float32Array(side * side);
  for (let y = 0, i = 0; y < size; y++) {
    for (let x = 0; x < size; x++, i++) {
      const token = Math.floor(y / TOKEN_PIXELS) * side + Math.floor(x / TOKEN_PIXELS);
      const place = (y % TOKEN_PIXELS) * TOKEN_PIXELS + (x % TOKEN_PIXELS);
      patches[token * area + place] = mask[i] - 0.5;
      shares[token] += mask[i] / area;
    }
  }
  return { patches, shares };
}

/** `(T * T, 64)` by tokens → `(8T, 8T)`. */
export function unshuffled(data: Float32Array, side: number): Float32Array {
  const size = side * TOKEN_PIXELS;
  const out = new Float32Array(data.length);
  for (let token = 0, i = 0; token < side * side; token++) {
    const [top, left] = [Math.floor(token / side), token % side].map((at) => at * TOKEN_PIXELS);
    for (let y = 0; y < TOKEN_PIXELS; y++)
      for (let x = 0; x < TOKEN_PIXELS; x++, i++) out[(top + y) * size + left + x] = data[i];
  }
  return out;
}
