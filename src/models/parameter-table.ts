import { CheckpointError } from '../base/errors';
import { checkParameters } from '../checkpoints/check-parameters';
import type { TensorSource } from '../checkpoints/tensor-source';

/**
 * How a parameter is kept and used:
 *
 * - `weight`, `bias`: the two sides of a linear layer or convolution
 * - `vector`: one row of numbers, such as a token or a norm's factors
 * - `table`: rows of numbers that are looked up or resized, never multiplied
 */
export type ParameterKind = 'weight' | 'bias' | 'vector' | 'table';

/** One row of a model's table of parameters. */
export interface ParameterSpec {
  /** As Hugging Face has it. */
  readonly name: string;
  /** Extent of each axis, outermost first. */
  readonly shape: readonly number[];
  /** What the parameter is to the model: decides how it is loaded and quantised. */
  readonly kind: ParameterKind;
  /** Whether it stays in floating point under int8 too. */
  readonly exact: boolean;
  /** Its names in other checkpoints. */
  readonly aliases: readonly string[];
}

/** The shapes of a table by name. */
export function shapesOf(table: readonly ParameterSpec[]): Map<string, readonly number[]> {
  return new Map(table.map(({ name, shape }) => [name, shape]));
}

/** Number of values in all. */
export function countParameters(table: readonly ParameterSpec[]): number {
  return table.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** A checkpoint under the names of a table, wherever it uses one of its aliases. Other names stay. */
export function renamed(source: TensorSource, nameOf: (stored: string) => string): TensorSource {
  const storedAs = new Map<string, string>();
  for (const stored of source.entries.keys()) {
    const name = nameOf(stored);
    if (storedAs.has(name)) {
      throw new CheckpointError(
        `${source.origin} holds both "${storedAs.get(name)}" and "${stored}", which are one parameter.`,
      );
    }
    storedAs.set(name, stored);
  }
  if ([...storedAs].every(([name, stored]) => name === stored)) return source;
  return {
    ...source,
    entries: new Map(
      [...storedAs].map(([name, stored]) => [name, source.entries.get(stored)!] as const),
    ),
    read: async (name) => ({ ...(await source.read(storedAs.get(name) ?? name)), name }),
  };
}

/** @throws CheckpointError naming the first parameter that is missing, too many, or of another shape. */
export function checkAgainst(source: TensorSource, table: readonly ParameterSpec[]): void {
  checkParameters(source, shapesOf(table));
}
