import type { Engine } from '../engines/engine';

/** A model's generator: yields after every block, returns tensors. */
export type ModelSteps<Step, Result> = Generator<Step, Result>;

/**
 * Runs a model's generator to its end, letting the engine work after every block.
 *
 * @throws AbortedError once the signal is aborted; what was in flight is freed.
 */
export async function drive<Step, Result>(
  engine: Pick<Engine, 'flush'>,
  steps: ModelSteps<Step, Result>,
  signal?: AbortSignal,
  onStep?: (step: Step) => void | Promise<void>,
): Promise<Result> {
  try {
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return step.value;
      await engine.flush(signal);
      await onStep?.(step.value);
    }
  } finally {
    steps.return(undefined as never);
  }
}

/** Runs a model's generator to its end at once: inside a gradient, where nothing may be awaited. */
export function driveNow<Step, Result>(steps: ModelSteps<Step, Result>): Result {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
  }
}
