import { throwIfAborted, unlessAborted } from '../base/abort';
import { CheckpointError, DownloadError } from '../base/errors';
import { fileStore } from './file-store';
import { type CheckpointFiles, readJson } from './checkpoint-files';
import type { FileCache } from './file-cache';
import { exists, fetchPieces, request } from './fetch-pieces';
import type { Progress } from '../base/progress';
import type { RandomAccess } from './random-access';

export interface HubOptions {
  /** Directory for downloaded models (Node). @default `$SEGGPT_CACHE`, else the user's cache directory */
  readonly cache?: string;
  /** Use what is in the cache and never the network. @default false */
  readonly offline?: boolean;
  /** Base URL of the hub. @default `$HF_ENDPOINT`, else the public hub */
  readonly endpoint?: string;
  /** Access token for private models; sent to the hub alone. @default `$HF_TOKEN` */
  readonly token?: string;
  /** Hex SHA-256 by file name, for URLs; a hub states its own. */
  readonly sha256?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface HubId {
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** What is known of a remote file before it is fetched. */
interface RemoteFile {
  readonly url: string;
  readonly key: string;
  readonly size?: number;
  readonly sha256?: string;
}

const HUB = 'https://huggingface.co';

/** Parses `owner/name[@revision]`; `null` if it is none. */
export function parseHubId(text: string): HubId | null {
  const match = /^([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?$/.exec(text);
  if (!match || /\.(safetensors|pth|pt)$/.test(match[1]) || /(^|\/)\.\.?(\/|$)/.test(text))
    return null;
  return { repository: match[1], revision: match[2] ?? 'main' };
}

/**
 * The files of a model on a hub. The hub's own listing gives each file's size and SHA-256 and the commit
 * that a branch stands for, so that what lies in the cache is known to be whole.
 *
 * @throws DownloadError naming the model and what to do (a missing token, no such model, no network).
 */
export async function hubFiles(
  { repository, revision }: HubId,
  options: HubOptions,
): Promise<CheckpointFiles> {
  const endpoint = (options.endpoint ?? fileStore.environment('HF_ENDPOINT') ?? HUB).replace(
    /\/+$/,
    '',
  );
  const token = options.token ?? fileStore.environment('HF_TOKEN');
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const name = `${repository}@${revision}`;
  const keyOf = (commit: string, file: string) =>
    `${repository.replace('/', '--')}/${commit}/${file}`;
  // The cache remembers which commit a branch stood for, for use without a network.
  const commitKey = keyOf('refs', revision.replace(/\//g, '--'));

  const cache = await fileStore.cache(options.cache);
  if (options.offline) {
    const known = await cache.open(commitKey);
    if (!known)
      throw new DownloadError(
        `${name} is not in the cache (${cache.place}), and offline was asked for.`,
      );
    const { commit } = (await readJson(known)) as { commit: string };
    return remoteFiles(name, (file) => ({ url: '', key: keyOf(commit, file) }), options, headers);
  }

  const url = `${endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await request(url, { headers, signal: options.signal });
  if (response.status === 401 || response.status === 403) {
    throw new DownloadError(
      `${name}: the hub refuses access (${response.status}); set the option token or HF_TOKEN.`,
    );
  }
  if (response.status === 404)
    throw new DownloadError(`${name}: the hub knows no such model or revision.`);
  if (!response.ok)
    throw new DownloadError(`${name}: the hub answers ${response.status} ${response.statusText}.`);
  const body = response.json().catch(() => null);
  const listing = (await unlessAborted(body, options.signal)) as {
    sha?: string;
    siblings?: { rfilename: string; size?: number; lfs?: { sha256?: string; size?: number } }[];
  } | null;
  if (!listing?.sha || !Array.isArray(listing.siblings)) {
    throw new DownloadError(`${name}: ${url} does not answer like a model hub.`);
  }
  const commit = listing.sha;
  const files = new Map(listing.siblings.map((file) => [file.rfilename, file]));
  const note = new TextEncoder().encode(JSON.stringify({ commit }));
  const whole = { pieces: once(note), append: false, version: '', verify: () => undefined };
  await inTurn(cache, commitKey, () => cache.store(commitKey, () => Promise.resolve(whole)));
  return remoteFiles(
    name,
    (file) => {
      const listed = files.get(file);
      return (
        listed && {
          url: `${endpoint}/${repository}/resolve/${commit}/${file}`,
          key: keyOf(commit, file),
          size: listed.lfs?.size ?? listed.size,
          sha256: listed.lfs?.sha256,
        }
      );
    },
    options,
    headers,
  );
}

/** The files under a base URL; its query goes with each. Nothing is known of them before they are asked for. */
export async function urlFiles(base: string, options: HubOptions): Promise<CheckpointFiles> {
  const { origin, pathname, search } = new URL(base);
  const root = `${origin}${pathname.replace(/\/+$/, '')}`;
  const token = options.token;
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const place = root.replace(/^https?:\/\//, '').replace(/[^\w./-]/g, '_');
  // A query may choose a version, or be a signature: it tells files apart, but is not written down.
  const directory = search ? `${place}/${await fingerprint(search)}` : place;
  return remoteFiles(
    root,
    (file) => ({
      url: `${root}/${file}${search}`,
      key: `${directory}/${file}`,
      sha256: options.sha256?.[file],
    }),
    options,
    headers,
    true,
  );
}

async function fingerprint(text: string): Promise<string> {
  const { sha256 } = await import('@noble/hashes/sha2.js');
  const { bytesToHex, utf8ToBytes } = await import('@noble/hashes/utils.js');
  return bytesToHex(sha256(utf8ToBytes(text))).slice(0, 16);
}

function remoteFiles(
  origin: string,
  describe: (file: string) => RemoteFile | undefined,
  options: HubOptions,
  headers: Record<string, string>,
  probe = false,
): CheckpointFiles {
  const fetched = async (file: string): Promise<RandomAccess | null> => {
    const remote = describe(file);
    if (!remote) return null;
    const cache = await fileStore.cache(options.cache);
    const work = async () => {
      throwIfAborted(options.signal);
      const access = await download(cache, file, remote, options, headers);
      if (options.signal?.aborted) await access.close(); // nobody waits for it any more
      return access;
    };
    return unlessAborted(inTurn(cache, remote.key, work), options.signal);
  };
  const has = async (file: string) => {
    const remote = describe(file);
    if (!remote) return false;
    const cached = await (await fileStore.cache(options.cache)).open(remote.key);
    if (cached) {
      await cached.close();
      return true;
    }
    if (options.offline) return false;
    return !probe || exists(remote.url, { headers, signal: options.signal });
  };
  return {
    origin,
    has,
    async open(file) {
      const access = await fetched(file);
      if (!access) throw new CheckpointError(`${origin} holds no ${file}.`);
      return access;
    },
    async json(file) {
      if (!(await has(file))) return null;
      const access = await fetched(file);
      return access && readJson(access);
    },
  };
}

/** Work on cached files in this process, by place and key. */
const atWork = new Map<string, Promise<unknown>>();

/** Calls that want the same file take turns, so that the second finds in the cache what the first fetched. */
function inTurn<Value>(
  { place }: FileCache,
  key: string,
  work: () => Promise<Value>,
): Promise<Value> {
  const id = `${place}\n${key}`;
  const result = (atWork.get(id) ?? Promise.resolve()).then(work);
  const settled = result.catch(() => undefined);
  atWork.set(id, settled);
  void settled.then(() => atWork.get(id) === settled && atWork.delete(id));
  return result;
}

/** Fetches a file into the cache, going on where an earlier attempt broke off, and opens it. */
async function download(
  cache: FileCache,
  name: string,
  remote: RemoteFile,
  options: HubOptions,
  headers: Record<string, string>,
): Promise<RandomAccess> {
  const { signal, onProgress } = options;
  const cached = await cache.open(remote.key);
  if (cached) return cached;
  if (options.offline)
    throw new DownloadError(
      `${name} is not in the cache (${cache.place}), and offline was asked for.`,
    );

  await cache.store(remote.key, async (begun) => {
    const transfer = await fetchPieces(remote.url, { headers, signal, begun });
    const expected = remote.size ?? transfer.size;
    let loaded = transfer.offset;
    const counted = (async function* () {
      for await (const piece of transfer.pieces) {
        loaded += piece.byteLength;
        onProgress?.({ stage: 'download', file: name, loaded, total: expected ?? 0 });
        yield piece;
      }
    })();
    return {
      pieces: counted,
      append: transfer.offset > 0,
      version: transfer.version,
      verify({ size, sha256 }) {
        if (expected !== undefined && size !== expected) {
          throw new DownloadError(
            `${remote.url} should have ${expected} bytes, but ${size} came; try again.`,
          );
        }
        if (remote.sha256 && sha256 !== remote.sha256.toLowerCase()) {
          throw new DownloadError(
            `${remote.url} has SHA-256 ${sha256}, but ${remote.sha256} was promised; it was not kept.`,
          );
        }
      },
    };
  });
  const access = await cache.open(remote.key);
  if (!access)
    throw new DownloadError(
      `${name} vanished from the cache (${cache.place}) right after it was stored.`,
    );
  return access;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
