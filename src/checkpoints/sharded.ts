import { CheckpointError } from '../base/errors';
import { shown } from '../base/shown';
import { isFileName } from './cache-key';
import type { CheckpointFiles } from './checkpoint-files';
import { openSafetensors } from './safetensors';
import type { TensorEntry, TensorSource } from './tensor-source';

/** Shards are opened at once; models have up to some hundreds. */
const MOST_SHARDS = 500;

/**
 * Opens the shards that a `model.safetensors.index.json` names, as one source.
 *
 * @throws CheckpointError if the index is damaged, or a shard lacks a tensor it is said to hold.
 */
export async function openSharded(
  files: CheckpointFiles,
  index: unknown,
  config: unknown,
): Promise<TensorSource> {
  const origin = `${files.origin} (model.safetensors.index.json)`;
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (
    typeof map !== 'object' ||
    map === null ||
    !Object.values(map).every((file) => typeof file === 'string')
  ) {
    throw new CheckpointError(`${origin} has no weight_map from tensor names to file names.`);
  }
  const weightMap = new Map(Object.entries(map as Record<string, string>));
  const names = new Set(weightMap.values());
  for (const file of names)
    if (!isFileName(file))
      throw new CheckpointError(
        `${origin} names a shard that is no file beside it: ${shown(file)}.`,
      );
  if (names.size > MOST_SHARDS)
    throw new CheckpointError(
      `${origin} names ${names.size} shards; at most ${MOST_SHARDS} are read.`,
    );
  const shards = new Map<string, TensorSource>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const file of names) {
      const access = await files.open(file);
      try {
        shards.set(file, await openSafetensors(access));
      } catch (error) {
        await access.close();
        throw error;
      }
    }
    const entries = new Map<string, TensorEntry>();
    for (const [name, file] of weightMap) {
      const entry = shards.get(file)?.entries.get(name);
      if (entry) entries.set(name, entry);
      else if (!name.endsWith('_scale'))
        throw new CheckpointError(`${origin}: "${name}" is not in ${file}, where it should be.`);
    }
    return {
      origin: files.origin,
      config,
      entries,
      read: (name) => {
        const shard = shards.get(weightMap.get(name) ?? '');
        return shard
          ? shard.read(name)
          : Promise.reject(new CheckpointError(`${files.origin} holds no tensor "${name}".`));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
