import type { EngineTensor } from '../../engines/engine';
import type { Sam } from '../sam/sam';
import { CELLS, ENCODER_SIDE } from './config';

/** Padding that is encoded, in pixels: it takes part in what is seen near the border alone. */
const MARGIN = 48;
/** The encoder's sides are multiples of this. */
const STEP = 32;

/** The part of the encoder's square that is encoded of a picture: itself and a margin. */
export function encodedSize(width: number, height: number): { rows: number; columns: number } {
  const longer = Math.max(width, height);
  const side = (length: number) => {
    const fitted = Math.floor((ENCODER_SIDE * length) / longer) + MARGIN;
    return Math.min(ENCODER_SIDE, Math.ceil(fitted / STEP) * STEP);
  };
  return { rows: side(height), columns: side(width) };
}

/**
 * Features of a picture on the tokens of the context decoder: stages 1 and 2 of MobileSAM's encoder and its neck, each
 * resampled to the picture alone.
 *
 * @param pixels `(rows, columns, 3)` normalised colours of {@link encodedSize}, zeros where the picture is padded.
 * @param tokens `T`
 * @returns `(T * T, channels)` on the model's engine; the caller disposes it.
 */
export async function pictureFeatures(
  sam: Sam,
  pixels: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  tokens: number,
  signal?: AbortSignal,
): Promise<EngineTensor> {
  const { engine } = sam;
  const { rows, columns } = encodedSize(width, height);
  const { stages, grids } = await sam.encodeStages(pixels, rows, columns, { signal });
  try {
    const longer = Math.max(width, height);
    const wanted = [0, 1, stages.length - 1];
    return engine.tidy(() =>
      engine.concatColumns(
        wanted.map((i) => {
          const grid = grids[i];
          const cells = Math.max(grid.rows, grid.columns);
          const down = resampling((cells * height) / longer, grid.rows, tokens);
          const across = resampling((cells * width) / longer, grid.columns, tokens);
          const narrow = engine.interpolate(across, stages[i], { outer: grid.rows });
          return engine.interpolate(down, narrow, { inner: tokens });
        }),
      ),
    );
  } finally {
    engine.dispose(...stages);
  }
}

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
