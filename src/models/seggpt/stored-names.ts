import { CheckpointError } from '../../base/errors';
import type { TensorSource } from '../../checkpoints/tensor-source';
import { renamed } from '../parameter-table';
import { vitLargeConfig } from './config';
import { painterParameters } from './parameter-table';

/** More blocks than any transformer has; a name may say anything. */
const MOST_BLOCKS = 1024;

/** A checkpoint under Hugging Face's names, whichever of a painter's names it uses; unknown names stay. */
export function withPainterNames(source: TensorSource): TensorSource {
  let depth = 0;
  for (const name of source.entries.keys()) {
    const index = /^(?:blocks|model\.encoder\.layers)\.(\d+)\./.exec(name)?.[1];
    if (index !== undefined) depth = Math.max(depth, Number(index) + 1);
  }
  if (depth > MOST_BLOCKS)
    throw new CheckpointError(
      `${source.origin} names block ${depth - 1}; models have at most ${MOST_BLOCKS}.`,
    );
  // Names do not depend on sizes, so those of any config will do.
  const names = new Map(
    painterParameters({ ...vitLargeConfig, depth }).flatMap(({ name, aliases }) =>
      aliases.map((alias) => [alias, name] as const),
    ),
  );
  return renamed(source, (stored) => names.get(stored) ?? stored);
}
