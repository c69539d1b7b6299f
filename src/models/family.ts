import type { TensorSource } from '../checkpoints/tensor-source';
import { CheckpointError } from '../base/errors';
import { shown } from '../base/shown';
import type { ParameterSpec } from './parameter-table';
import { dinoFamily } from './dino/family';
import { samFamily } from './sam/family';
import { seggptFamily } from './seggpt/family';

/** A model's config, read and checked, with the parameters it asks for. */
export interface ModelDescription {
  /** Name of the family that knows the model. */
  readonly family: string;
  /** The config as a Hugging Face `config.json` has it. */
  readonly config: Record<string, unknown>;
  /** Every parameter the model has, in order. */
  readonly parameters: readonly ParameterSpec[];
  /** The checkpoint under the family's own parameter names, checked against `parameters`. */
  readonly source: TensorSource;
  /** What people want to know of it, row by row. */
  readonly rows: readonly (readonly [name: string, value: string])[];
}

/** What the package must know of a kind of model to load, quantise and describe its checkpoints. */
export interface ModelFamily {
  /** Name of the family, as `config.json` has it in `model_type`. */
  readonly name: string;
  /** Whether a checkpoint is of this kind, by its config's `model_type` or its parameters' names. */
  detect(source: TensorSource): boolean;
  /** @throws CheckpointError if config and parameters do not fit together. */
  describe(source: TensorSource): ModelDescription;
}

const families: readonly ModelFamily[] = [samFamily, dinoFamily, seggptFamily];

/** @throws CheckpointError if no family knows the checkpoint. */
export function familyOf(source: TensorSource): ModelFamily {
  const family = families.find((each) => each.detect(source));
  if (family) return family;
  const type = (source.config as { model_type?: unknown } | null)?.model_type;
  const known = families.map(({ name }) => `"${name}"`).join(', ');
  throw new CheckpointError(
    type === undefined
      ? `${source.origin} is a checkpoint of no model this package knows (${known}): it lacks their parameters.`
      : `${source.origin} describes a model of type ${shown(type)}; only ${known} checkpoints can be loaded.`,
  );
}

/** Reads what a checkpoint is without loading its weights. @throws CheckpointError */
export function readModel(source: TensorSource): ModelDescription {
  return familyOf(source).describe(source);
}
