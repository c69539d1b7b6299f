import { CheckpointError } from '../base/errors';
import type { TensorSource } from './tensor-source';

/**
 * Checks that a checkpoint holds exactly the parameters asked for, each of the right shape.
 *
 * @throws CheckpointError naming the tensor, what was expected and what was found.
 */
export function checkParameters(
  source: TensorSource,
  expected: ReadonlyMap<string, readonly number[]>,
): void {
  const { origin, entries } = source;
  const show = (shape: readonly number[]) => `[${shape.join(', ')}]`;
  for (const [name, shape] of expected) {
    const found = entries.get(name);
    if (!found) {
      throw new CheckpointError(
        `${origin} lacks the tensor "${name}" of shape ${show(shape)}. Is it a checkpoint of this model, and does config.json belong to it?`,
      );
    }
    if (show(found.shape) !== show(shape)) {
      throw new CheckpointError(
        `${origin}: "${name}" should have shape ${show(shape)}, but has ${show(found.shape)}.`,
      );
    }
  }
  for (const name of entries.keys()) {
    if (!expected.has(name)) {
      throw new CheckpointError(
        `${origin} holds a tensor "${name}" that the model has no place for. Does config.json belong to it?`,
      );
    }
  }
}
