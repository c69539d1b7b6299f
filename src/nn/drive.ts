import type { Engine } from '../engines/engine';
import type { BlockOutput } from '../models/seggpt/model';

/** A generator of the painter: yields after every block, returns tensors. */
export type PaintingSteps<Result> = Generator<BlockOutput, Result>;

/**
 * Runs a painter's generator to its end, letting the engine work after every block.
 *
 * @throws AbortedError once the signal is aborted; what was in flight is freed.
 */
export async function drive<Result>(
  engine: Engine,
  steps: PaintingSteps<Result>,
  signal?: AbortSignal,
  onBlock?: (output: BlockOutput) => void | Promise<void>,
): Promise<Result> {
  try {
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return step.value;
      await engine.flush(signal);
      await onBlock?.(step.value);
    }
  } finally {
    steps.return(undefined as never);
  }
}

/** Runs a painter's generator to its end at once: inside a gradient, where nothing may be awaited. */
export function driveNow<Result>(steps: PaintingSteps<Result>): Result {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
  }
}
