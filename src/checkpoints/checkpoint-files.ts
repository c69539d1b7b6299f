import { utf8Text } from '../base/text';
import { CheckpointError } from '../base/errors';
import { fileStore } from './file-store';
import type { RandomAccess } from './random-access';

/** Name under which `load` finds the model inside this package. */
export const BundledModel = 'bundled';

/** Name under which the interactive model inside this package is found. */
export const BundledInteractiveModel = 'bundled-sam';

/** Name under which the context decoder inside this package is found. */
export const BundledContextDecoder = 'bundled-context';

/** The files of a model, wherever they are. */
export interface CheckpointFiles {
  readonly origin: string;
  has(name: string): Promise<boolean>;
  /** @throws CheckpointError or DownloadError if it cannot be opened. */
  open(name: string): Promise<RandomAccess>;
  /** A JSON file's content; `null` if there is no such file. @throws CheckpointError if it is not JSON. */
  json(name: string): Promise<unknown>;
}

/** The files of a directory on disk. */
export function directoryFiles(directory: string): CheckpointFiles {
  const path = (name: string) => fileStore.join(directory, name);
  const has = async (name: string) => (await fileStore.pathKind(path(name))) === 'file';
  return {
    origin: directory,
    has,
    open: (name) => fileStore.open(path(name)),
    json: async (name) => ((await has(name)) ? readJson(await fileStore.open(path(name))) : null),
  };
}

/** Bytes of a config, an index of shards or a listing. */
export const LARGEST_JSON = 4 << 20;

/** Reads a whole JSON file and closes it. @throws CheckpointError */
export async function readJson(access: RandomAccess): Promise<unknown> {
  try {
    if (access.size > LARGEST_JSON)
      throw new CheckpointError(`${access.origin} is too large for a config file.`);
    return JSON.parse(utf8Text(await access.read(0, access.size)));
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`${access.origin} is not valid JSON.`, { cause });
  } finally {
    await access.close();
  }
}
