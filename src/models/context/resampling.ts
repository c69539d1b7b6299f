import { CELLS } from './config';

/**
 * `(tokens, cells)`: the first `valid` of `cells` by area to {@link CELLS}, and from these to tokens, each the mean of two
 * bilinear samples, as training reads them.
 */
export function resampling(valid: number, cells: number, tokens: number): Float32Array {
  const out = new Float32Array(tokens * cells);
  for (let token = 0; token < tokens; token++) {
    for (let sample = 0; sample < 2; sample++) {
      const at = ((2 * token + sample + 0.5) / (2 * tokens)) * CELLS - 0.5;
      const low = Math.floor(at);
      for (const [cell, weight] of [
        [low, 1 - (at - low)],
        [low + 1, at - low],
      ]) {
        // Beyond the border the picture is mirrored, so its first and last cells are met again.
        const source = Math.min(Math.max(cell, 0), CELLS - 1);
        const [start, end] = [(source * valid) / CELLS, ((source + 1) * valid) / CELLS];
        for (let j = Math.floor(start); j < Math.min(cells, Math.ceil(end)); j++) {
          const shared = Math.min(end, j + 1) - Math.max(start, j);
          out[token * cells + j] += (0.5 * weight * shared * CELLS) / valid;
        }
      }
    }
  }
  return out;
}
