import { CheckpointError } from '../../base/errors';
import { shown } from '../../base/shown';
import { configLimits } from '../config-limits';

/** The architecture of a context decoder. */
export interface ContextConfig {
  /** Channels of the features it reads, of all stages together. */
  readonly channels: number;
  /** `W`, width of tokens. */
  readonly width: number;
  /** Heads of looking and matching. */
  readonly heads: number;
  /** Blocks that each picture goes through by itself. */
  readonly looks: number;
  /** `S`, width of the decoder's state. */
  readonly state: number;
  /** Heads of spreading along the target's own likeness. */
  readonly stateHeads: number;
  /** Blocks of the decoder; every second one spreads. */
  readonly decodes: number;
  /** Frequencies of places. */
  readonly waves: number;
  /** `T`, tokens to a side of a picture. */
  readonly tokens: number;
}

/** Side of the square that the encoder sees, in pixels. */
export const ENCODER_SIDE = 512;

/** Side of a token in pixels. */
export const TOKEN_PIXELS = 8;

/** Cells to a side on which features are kept before they become tokens. */
export const CELLS = 32;

/** @throws CheckpointError naming what is missing. */
export function parseContextConfig(config: unknown, origin: string): ContextConfig {
  const given = (config ?? {}) as Record<string, unknown>;
  if (given.model_type !== 'seggpt_context')
    throw new CheckpointError(
      `${origin} is no context decoder: model_type is not "seggpt_context".`,
    );
  const read = (name: string, most: number = configLimits.width): number => {
    const value = given[name];
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most)
      throw new CheckpointError(
        `${origin}: ${name} must be a whole number from 1 to ${most}, is ${shown(value)}.`,
      );
    return value as number;
  };
  return {
    channels: read('channels'),
    width: read('width'),
    heads: read('heads'),
    looks: read('looks', configLimits.depth),
    state: read('state'),
    stateHeads: read('state_heads'),
    decodes: read('decodes', configLimits.depth),
    waves: read('waves'),
    tokens: read('tokens'),
  };
}
