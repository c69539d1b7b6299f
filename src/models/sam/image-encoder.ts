import type { Engine, EngineTensor } from '../../engines/engine';

/** Step of a running encoder: the fraction that is done, 0 … 1. */
export interface EncoderStep {
  readonly fraction: number;
}

/** What turns a square picture into features, once. */
export interface ImageEncoder {
  /**
   * Yields after every block.
   *
   * @param pixels `(1, S, S, 3)`, normalised colours; freed by the caller.
   * @returns `(G * G, channels)`, row by row of the grid; the caller's.
   */
  encode(engine: Engine, pixels: EngineTensor): Generator<EncoderStep, EngineTensor>;
}

/**
 * Runs steps that each take a tensor and give the next, freeing what was handed on. The first is freed as well; the last is
 * the caller's.
 */
export function* chained(
  engine: Engine,
  first: EngineTensor,
  steps: readonly ((x: EngineTensor) => EngineTensor)[],
): Generator<EncoderStep, EngineTensor> {
  let x: EngineTensor | null = first;
  try {
    for (let i = 0; i < steps.length; i++) {
      const from: EngineTensor = x;
      x = engine.tidy(() => steps[i](from));
      engine.dispose(from);
      yield { fraction: (i + 1) / steps.length };
    }
    const result = x;
    x = null;
    return result;
  } finally {
    if (x) engine.dispose(x); // aborted or failed
  }
}
