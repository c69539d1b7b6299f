import { type CachedFile, type FileCache } from './file-cache';
import { fileStore } from './file-store';
import { trimSlashes, webAddress } from './web-address';

/** Where a cache is. */
export interface CacheOptions {
  /** Directory of downloaded models (Node). @default `$SEGGPT_CACHE`, else the user's cache directory */
  readonly cache?: string;
}

/** A model that was downloaded. */
export interface CachedModel {
  /**
   * What loads it again: `owner/name@commit` of a hub, or the URL of its directory. A URL's query is not kept; models
   * that differ in it alone are one entry.
   */
  readonly model: string;
  /** Branches and tags of the hub that stood for the commit when they were last asked for; none for a URL. */
  readonly revisions: readonly string[];
  /** Bytes it takes, with what is kept of downloads that broke off. */
  readonly size: number;
  /** When a file of it was last stored. */
  readonly stored: Date;
  /** A download of it broke off; the next load goes on with it. */
  readonly partial: boolean;
  /** Keys of its files in the cache, with their bytes. */
  readonly files: readonly { readonly key: string; readonly size: number }[];
}

/** Which models are meant: one by name, or those for which a function says so. */
export type CachedModelFilter = string | ((model: CachedModel) => boolean);

/**
 * Lists the models in the cache, by name: in Node those of a directory, in browsers those that this origin keeps in Cache
 * Storage (where pages may store nothing, those that this page keeps in memory). Files in the directory that the cache
 * did not put there are not seen.
 *
 * @returns an empty list where there is no cache yet.
 *
 * @example
 * for (const { model, size } of await listCachedModels()) console.log(model, size);
 * // BAAI/seggpt-vit-large@3f2b… 1483402240
 */
export async function listCachedModels(options: CacheOptions = {}): Promise<CachedModel[]> {
  return [...(await filesByModel(await fileStore.cache(options.cache)))]
    .map(([model, files]) => describe(model, files))
    .sort((a, b) => (a.model < b.model ? -1 : 1));
}

/**
 * Removes models from the cache; they are downloaded again when they are next loaded. Models in use stay usable in Node, and
 * what another process is downloading is left to it.
 *
 * @param filter `owner/name` (every commit), `owner/name@commit` or `owner/name@branch`, the URL of a directory or of a
 *   weights file in it, or a function. @default every model
 * @returns what was removed; an empty list if nothing is by that name.
 * @throws DownloadError if the cache cannot be written.
 *
 * @example
 * const removed = await clearCachedModels('BAAI/seggpt-vit-large');
 */
export async function clearCachedModels(
  filter: CachedModelFilter = () => true,
  options: CacheOptions = {},
): Promise<CachedModel[]> {
  const cache = await fileStore.cache(options.cache);
  const removed: CachedModel[] = [];
  for (const [name, files] of await filesByModel(cache)) {
    const model = describe(name, files);
    if (!(typeof filter === 'string' ? isNamed(model, filter) : filter(model))) continue;
    for (const file of files) await cache.remove(file);
    removed.push(model);
  }
  return removed;
}

async function filesByModel(cache: FileCache): Promise<Map<string, CachedFile[]>> {
  const models = new Map<string, CachedFile[]>();
  for (const file of await cache.list()) {
    const { model } = file.note;
    models.set(model, [...(models.get(model) ?? []), file]);
  }
  return models;
}

function describe(model: string, files: readonly CachedFile[]): CachedModel {
  return {
    model,
    revisions: files.flatMap(({ note }) => note.revision ?? []),
    size: files.reduce((sum, { size }) => sum + size, 0),
    stored: new Date(Math.max(...files.map(({ stored }) => stored.getTime()))),
    partial: files.some(({ partial }) => partial),
    files: files.map(({ key, size }) => ({ key, size })),
  };
}

/** Whether a model is meant by what `load` takes. */
function isNamed({ model, revisions }: CachedModel, name: string): boolean {
  if (/^https?:/.test(name)) {
    const { origin, pathname } = webAddress(name);
    const isFile = /\.(safetensors|pth|pt)$/.test(pathname);
    const directory = isFile ? pathname.slice(0, pathname.lastIndexOf('/')) : pathname;
    return model === `${origin}${trimSlashes(directory)}`;
  }
  const repository = model.replace(/@[^@]*$/, '');
  const names = [model, repository, ...revisions.map((revision) => `${repository}@${revision}`)];
  return names.includes(name);
}
