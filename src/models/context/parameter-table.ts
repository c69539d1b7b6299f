import {
  type LinearSpec,
  linearSpec,
  type NormSpec,
  normSpec,
  parameterSpec,
} from '../parameter-specs';
import type { ParameterSpec } from '../parameter-table';
import { type ContextConfig, TOKEN_PIXELS } from './config';

/** A block on one picture's tokens. */
export interface LookSpec {
  readonly near: LinearSpec;
  readonly norm1: NormSpec;
  readonly qkv: LinearSpec;
  readonly projection: LinearSpec;
  readonly norm2: NormSpec;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
}

/** Attention along the target's own likeness. */
export interface SpreadSpec {
  readonly norm: NormSpec;
  readonly query: LinearSpec;
  readonly key: LinearSpec;
  readonly value: LinearSpec;
  readonly projection: LinearSpec;
}

/** A block of the decoder. */
export interface DecodeSpec {
  readonly spread: SpreadSpec | null;
  readonly near: LinearSpec;
  readonly norm: NormSpec;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
}

/** All parameters by their place in the model. */
export interface ContextSpec {
  /** Mean and deviation of each channel of the features. */
  readonly mean: ParameterSpec;
  readonly deviation: ParameterSpec;
  readonly features: LinearSpec;
  readonly pixels: LinearSpec;
  readonly places: LinearSpec;
  readonly looks: readonly LookSpec[];
  readonly norm: NormSpec;
  readonly query: LinearSpec;
  readonly key: LinearSpec;
  readonly mask: LinearSpec;
  readonly thing: LinearSpec;
  readonly read: LinearSpec;
  readonly own: LinearSpec;
  readonly decodes: readonly DecodeSpec[];
  readonly last: NormSpec;
  readonly logits: LinearSpec;
  readonly presence: LinearSpec;
}

/** The table under the names that training gives them. */
export function contextSpec({
  channels,
  width: W,
  state: S,
  looks,
  decodes,
  waves,
}: ContextConfig): ContextSpec {
  const area = TOKEN_PIXELS ** 2;
  const depthwise = (name: string, channelCount: number): LinearSpec => ({
    weight: parameterSpec(`${name}.conv.weight`, [], [channelCount, 1, 3, 3], 'table'),
    bias: parameterSpec(`${name}.conv.bias`, [], [channelCount], 'bias'),
  });
  const exact = { exact: true };
  const plain = { bias: false };
  const look = (i: number): LookSpec => {
    const name = `looks.${i}`;
    return {
      near: depthwise(`${name}.near`, W),
      norm1: normSpec(`${name}.norm1`, [], W),
      qkv: linearSpec(`${name}.qkv`, [], [3 * W, W]),
      projection: linearSpec(`${name}.proj`, [], [W, W]),
      norm2: normSpec(`${name}.norm2`, [], W),
      expand: linearSpec(`${name}.fc1`, [], [3 * W, W]),
      contract: linearSpec(`${name}.fc2`, [], [W, 3 * W]),
    };
  };
  const decode = (i: number): DecodeSpec => {
    const name = `decodes.${i}`;
    return {
      spread:
        i % 2 === 0
          ? {
              norm: normSpec(`${name}.norm0`, [], S),
              query: linearSpec(`${name}.query`, [], [S, W]),
              key: linearSpec(`${name}.key`, [], [S, W]),
              value: linearSpec(`${name}.value`, [], [S, S]),
              projection: linearSpec(`${name}.proj`, [], [S, S]),
            }
          : null,
      near: depthwise(`${name}.near`, S),
      norm: normSpec(`${name}.norm`, [], S),
      expand: linearSpec(`${name}.fc1`, [], [2 * S, S]),
      contract: linearSpec(`${name}.fc2`, [], [S, 2 * S]),
    };
  };
  return {
    mean: parameterSpec('mean', [], [channels], 'vector'),
    deviation: parameterSpec('deviation', [], [channels], 'vector'),
    features: linearSpec('features', [], [W, channels], exact),
    pixels: linearSpec('pixels', [], [W, 3 * area], { ...exact, ...plain }),
    places: linearSpec('places', [], [W, 4 * waves], { ...exact, ...plain }),
    looks: Array.from({ length: looks }, (_, i) => look(i)),
    norm: normSpec('norm', [], W),
    query: linearSpec('query', [], [W, W]),
    key: linearSpec('key', [], [W, W]),
    mask: linearSpec('mask', [], [W, area], exact),
    thing: linearSpec('thing', [], [W, W], plain),
    read: linearSpec('read', [], [S, W]),
    own: linearSpec('own', [], [S, W], plain),
    decodes: Array.from({ length: decodes }, (_, i) => decode(i)),
    last: normSpec('last', [], S),
    logits: linearSpec('logits', [], [area, S], exact),
    presence: linearSpec('presence', [], [1, 2 * S], exact),
  };
}
