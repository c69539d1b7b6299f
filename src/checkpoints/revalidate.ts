import { warn } from '../base/warn';
import { askAbout, type RemoteVersion, UnreachableError } from './fetch-pieces';
import type { FileCache, FileNote } from './file-cache';
import type { HubOptions, RemoteFile } from './hub';

/** What the cache has of a file: nothing, what the server has, something older, or what the server no longer has. */
export type CacheState =
  | { readonly kind: 'none' | 'current' | 'gone' }
  | { readonly kind: 'stale'; readonly note: FileNote | null };

/** What a load has seen of a server: one that did not answer once is not waited for again. */
export interface ServerSeen {
  silent: boolean;
}

/** Milliseconds that a server has to say whether a cached file is still its own. */
const PATIENCE = 5_000;

/**
 * Compares a cached file with the size and SHA-256 that are promised, else with its server's by one HEAD request: by `ETag`, else by `Last-Modified`, else by size; where
 * the server tells none of them the copy counts as current.
 *
 * The server is not asked with `offline`, of files that a hub lists by commit, and of a file whose SHA-256 is promised. A server
 * that does not answer in 5 s, or is ill (429 and 5xx), leaves the copy current, which is told (see `tellOfCopy`); it is not
 * asked again in that load. Any other answer counts: 403, 404 and 410 mean that the file is gone.
 *
 * @throws DownloadError for other refusals, AbortedError
 */
export async function stateOf(
  cache: FileCache,
  name: string,
  remote: RemoteFile,
  options: HubOptions & {
    readonly headers: Record<string, string>;
    /** The file is one of a listing by commit. */
    readonly listed: boolean;
    readonly server: ServerSeen;
  },
): Promise<CacheState> {
  const access = await cache.open(remote.key);
  if (!access) return { kind: 'none' };
  const { size } = access;
  await access.close();
  const current = { kind: 'current' } as const;
  const note = await cache.note(remote.key);
  const isWhole =
    (remote.size === undefined || remote.size === size) &&
    (!remote.sha256 || (await cache.matches(remote.key, remote.sha256)));
  if (!isWhole) return { kind: 'stale', note };
  if (options.listed || remote.sha256 || options.offline || options.server.silent) return current;
  try {
    const { headers, signal } = options;
    const now = await askAbout(remote.url, { headers, signal, patience: PATIENCE });
    if (!now) return { kind: 'gone' };
    return isSame(now, { ...note, size }) ? current : { kind: 'stale', note };
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    options.server.silent = true;
    tellOfCopy(options, `${error.message} What the cache holds of the model is used.`, name, size);
    return current;
  }
}

/** Tells that a copy is used: by a note of progress, or where nobody listens by a warning. */
export function tellOfCopy(
  { onProgress }: Pick<HubOptions, 'onProgress'>,
  note: string,
  file?: string,
  size = 0,
): void {
  if (onProgress) onProgress({ stage: 'download', loaded: size, total: size, file, note });
  else warn('CACHED_COPY', note);
}

/** Whether two versions are one, by the strongest sign that both have. */
function isSame(now: RemoteVersion, then: RemoteVersion): boolean {
  // A weak ETag is enough here: it stands for the same content, if not the same bytes.
  if (now.etag && then.etag) return now.etag.replace(/^W\//, '') === then.etag.replace(/^W\//, '');
  if (now.modified && then.modified) return now.modified === then.modified;
  return now.size === undefined || now.size === then.size;
}
