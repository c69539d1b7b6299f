import { DownloadError } from '../base/errors';
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
 * Compares a cached file with its server's by one HEAD request: by `ETag`, else by `Last-Modified`, else by size; where
 * the server tells none of them the copy counts as current.
 *
 * Nothing is asked with `offline`, of files that a hub lists by commit, and of a file whose SHA-256 is promised: it is
 * current if it was verified by that one. A server that does not answer in 5 s, or is ill (429 and 5xx), leaves the copy
 * current, and a note of progress says so; it is not asked again in that load. Any other answer counts: 403, 404 and 410 mean that the file is gone.
 *
 * @throws DownloadError for other refusals, and offline where another SHA-256 is promised; AbortedError
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
  if (options.listed) return current;
  const note = await cache.note(remote.key);
  if (remote.sha256) {
    if (note?.sha256 === remote.sha256.toLowerCase()) return current;
    if (!options.offline) return { kind: 'stale', note };
    throw new DownloadError(
      `${name} in the cache (${cache.place}) was not verified by SHA-256 ${remote.sha256}, and offline was asked for.`,
    );
  }
  if (options.offline || options.server.silent) return current;
  try {
    const { headers, signal } = options;
    const now = await askAbout(remote.url, { headers, signal, patience: PATIENCE });
    if (!now) return { kind: 'gone' };
    return isSame(now, { ...note, size }) ? current : { kind: 'stale', note };
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    options.server.silent = true;
    options.onProgress?.({
      stage: 'download',
      loaded: size,
      total: size,
      file: name,
      note: `${error.message} What the cache holds of the model is used.`,
    });
    return current;
  }
}

/** Whether two versions are one, by the strongest sign that both have. */
function isSame(now: RemoteVersion, then: RemoteVersion): boolean {
  // A weak ETag is enough here: it stands for the same content, if not the same bytes.
  if (now.etag && then.etag) return now.etag.replace(/^W\//, '') === then.etag.replace(/^W\//, '');
  if (now.modified && then.modified) return now.modified === then.modified;
  return now.size === undefined || now.size === then.size;
}
