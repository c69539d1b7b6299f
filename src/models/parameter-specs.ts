/** What models' tables of parameters are put together from. */
import type { ParameterKind, ParameterSpec } from './parameter-table';

/** A linear layer or convolution. */
export interface LinearSpec {
  readonly weight: ParameterSpec;
  readonly bias: ParameterSpec | null;
}

/** A layer norm. */
export interface NormSpec {
  readonly gamma: ParameterSpec;
  readonly beta: ParameterSpec;
}

/** How a layer differs from most. */
export interface LinearSpecOptions {
  /** @default true */
  readonly bias?: boolean;
  /** Whether it stays in floating point under int8 too. @default false */
  readonly exact?: boolean;
}

/** One parameter; `aliases` are its names in other checkpoints. */
export function parameterSpec(
  name: string,
  aliases: readonly string[],
  shape: readonly number[],
  kind: ParameterKind,
  exact = true,
): ParameterSpec {
  return { name, shape, kind, exact, aliases };
}

/** `NAME.weight` of a shape whose first extent is the outputs, and `NAME.bias`. */
export function linearSpec(
  name: string,
  aliases: readonly string[],
  shape: readonly number[],
  { bias = true, exact = false }: LinearSpecOptions = {},
): LinearSpec {
  const named = (side: string) => aliases.map((alias) => `${alias}.${side}`);
  return {
    weight: parameterSpec(`${name}.weight`, named('weight'), shape, 'weight', exact),
    bias: bias ? parameterSpec(`${name}.bias`, named('bias'), [shape[0]], 'bias') : null,
  };
}

/** `NAME.weight` and `NAME.bias` of a norm over `width` values. */
export function normSpec(name: string, aliases: readonly string[], width: number): NormSpec {
  const vector = (side: string) =>
    parameterSpec(
      `${name}.${side}`,
      aliases.map((alias) => `${alias}.${side}`),
      [width],
      'vector',
    );
  return { gamma: vector('weight'), beta: vector('bias') };
}

/** Every parameter of a tree of specs, in order. */
export function parametersIn(node: unknown): ParameterSpec[] {
  if (node === null || typeof node !== 'object') return [];
  if ('kind' in node && 'aliases' in node) return [node as ParameterSpec];
  return Object.values(node).flatMap(parametersIn);
}
