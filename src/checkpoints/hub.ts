import { utf8Bytes } from '../base/text';
import { throwIfAborted, unlessAborted } from '../base/abort';
import { CheckpointError, DownloadError } from '../base/errors';
import { fileStore } from './file-store';
import { type CheckpointFiles, LARGEST_JSON, readJson } from './checkpoint-files';
import type { FileCache, FileNote } from './file-cache';
import { askAbout, fetchPieces, UnreachableError } from './fetch-pieces';
import { askHub, type Listing, parseListing } from './hub-listing';
import { type CacheState, type ServerSeen, stateOf, tellOfCopy } from './revalidate';
import type { Progress } from '../base/progress';
import type { RandomAccess } from './random-access';
import { keyOfAddress, trimSlashes, webAddress } from './web-address';

/** How a model is fetched from a hub or URL, and where it is kept. */
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
  /** Told how far a download is: bytes by file. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stops the download; what has come is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal;
}

export interface HubId {
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** What is known of a remote file before it is fetched. */
export interface RemoteFile {
  readonly url: string;
  readonly key: string;
  readonly size?: number;
  readonly sha256?: string;
}

const HUB = 'https://huggingface.co';
/** Bytes of a file with weights. The largest that can be loaded, SAM ViT-H, has 2.6 GB. */
const LARGEST_WEIGHTS = 16 * 2 ** 30;

/** Parses `owner/name[@revision]`; `null` if it is none. */
export function parseHubId(text: string): HubId | null {
  const match = /^([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?$/.exec(text);
  const [, repository, revision = 'main'] = match ?? [];
  if (!repository || /\.(safetensors|pth|pt)$/.test(repository)) return null;
  const parts = [...repository.split('/'), ...revision.split('/')];
  if (parts.some((part) => /^\.{0,2}$/.test(part))) return null;
  return { repository, revision };
}

/** A full commit hash: what it stands for never changes. */
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * The files of a model on a hub. The hub's own listing gives each file's size and SHA-256 and the commit
 * that a branch stands for, so that what lies in the cache is known to be whole. The hub is asked at every load, unless
 * the revision is a full commit hash whose listing is in the cache. Where the hub cannot be reached, or is ill, what it
 * last listed is used, which is told (see `tellOfCopy`).
 *
 * @throws DownloadError naming the model and what to do (a missing token, no such model, no network).
 */
export async function hubFiles(
  { repository, revision }: HubId,
  options: HubOptions,
): Promise<CheckpointFiles> {
  const endpoint = trimSlashes(options.endpoint ?? fileStore.environment('HF_ENDPOINT') ?? HUB);
  const token = options.token ?? fileStore.environment('HF_TOKEN');
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const name = `${repository}@${revision}`;
  // Another hub may list other files under the same commit.
  const place = `${keyOfAddress(webAddress(endpoint))}/${repository.replace('/', '--')}`;
  const keyOf = (commit: string, file: string) => `${place}/${commit}/${file}`;
  // The cache remembers what the hub listed of a branch, for use without it.
  const listingKey = keyOf('refs', revision.replace(/\//g, '--'));

  const cache = await fileStore.cache(options.cache);
  const opened = await cache.open(listingKey);
  // What cannot be read there is asked for anew.
  const known = opened && parseListing(await readJson(opened).catch(() => null));
  const listing = async (): Promise<Listing> => {
    if (known && (options.offline || COMMIT.test(revision))) return known;
    if (options.offline)
      throw new DownloadError(
        `${name} is not in the cache (${cache.place}), and offline was asked for.`,
      );
    const url = `${endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
    try {
      return await askHub(name, url, headers, options.signal);
    } catch (error) {
      if (!known || !(error instanceof UnreachableError)) throw error;
      tellOfCopy(options, `${error.message} What the cache holds of ${name} is used.`);
      return known;
    }
  };
  const { commit, files } = await listing();
  const model = `${repository}@${commit}`;
  if (known?.commit !== commit) {
    const bytes = utf8Bytes(JSON.stringify({ commit, files }));
    const note = { model, revision };
    const whole = {
      pieces: once(bytes),
      append: false,
      version: '',
      note,
      verify: () => undefined,
    };
    try {
      await inTurn(cache, listingKey, () => cache.store(listingKey, () => Promise.resolve(whole)));
    } catch (error) {
      // The listing is of use without the network; a cache that cannot be written may hold the model all the same.
      if (!(error instanceof DownloadError)) throw error;
      tellOfCopy(options, `${error.message} What the hub lists of ${name} is not kept.`);
    }
  }
  const byName = new Map(files.map((file) => [file.name, file]));
  return remoteFiles(
    name,
    (file) => {
      const listed = byName.get(file);
      const url = `${endpoint}/${repository}/resolve/${commit}/${file}`;
      return listed && { ...listed, url, key: keyOf(commit, file) };
    },
    options,
    { headers, model, listed: true },
  );
}

/**
 * The files under a base URL; its query goes with each. Nothing is known of them before they are asked for. Each file
 * that is in the cache is asked after once in a load; see `stateOf`.
 */
export async function urlFiles(base: string, options: HubOptions): Promise<CheckpointFiles> {
  const { origin, pathname, search } = webAddress(base);
  const root = `${origin}${trimSlashes(pathname)}`;
  const token = options.token;
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const place = keyOfAddress(webAddress(root));
  // A query may choose a version, or be a signature: it tells files apart, but is not written down.
  const directory = search ? `${place}/${await fingerprint(search)}` : place;
  return remoteFiles(
    root,
    (file) => {
      const sha256 = options.sha256?.[file];
      // A file that was pinned is never mistaken for one kept under another sum.
      const place = sha256 ? `${directory}/${sha256.slice(0, 16).toLowerCase()}` : directory;
      return { url: `${root}/${file}${search}`, key: `${place}/${file}`, sha256 };
    },
    options,
    { headers, model: root, listed: false },
  );
}

/** A file's URL as that of its directory, with the query, and its name. @throws DownloadError if it is none. */
export function splitUrl(url: string): [directory: string, name: string] {
  const { origin, pathname, search } = webAddress(url);
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  return [`${origin}${pathname.slice(0, -name.length || undefined)}${search}`, name];
}

async function fingerprint(text: string): Promise<string> {
  const { sha256 } = await import('@noble/hashes/sha2.js');
  const { bytesToHex, utf8ToBytes } = await import('@noble/hashes/utils.js');
  return bytesToHex(sha256(utf8ToBytes(text))).slice(0, 16);
}

/** Where files come from. */
interface Origin {
  readonly headers: Record<string, string>;
  /** As the notes of cached files name it. */
  readonly model: string;
  /** The files are known from a listing, and never change; otherwise the server is asked. */
  readonly listed: boolean;
}

function remoteFiles(
  name: string,
  describe: (file: string) => RemoteFile | undefined,
  options: HubOptions,
  origin: Origin,
): CheckpointFiles {
  const { headers, listed } = origin;
  const server: ServerSeen = { silent: false };
  const asked = new Map<string, Promise<CacheState>>();
  /** What the cache has of a file, asked for once in a load. */
  const state = (file: string, remote: RemoteFile): Promise<CacheState> => {
    const known = asked.get(file);
    if (known) return known;
    const answer = fileStore
      .cache(options.cache)
      .then((cache) => stateOf(cache, file, remote, { ...options, headers, listed, server }));
    asked.set(file, answer);
    return answer;
  };
  const fetched = async (file: string): Promise<RandomAccess | null> => {
    const remote = describe(file);
    if (!remote) return null;
    const cache = await fileStore.cache(options.cache);
    const found = await state(file, remote);
    if (found.kind === 'gone') return null;
    const stale = found.kind === 'stale' ? found : undefined;
    const work = async () => {
      throwIfAborted(options.signal);
      const access = await download(cache, file, remote, options, origin, stale);
      if (options.signal?.aborted) await access.close(); // nobody waits for it any more
      return access;
    };
    return unlessAborted(inTurn(cache, remote.key, work), options.signal);
  };
  const has = async (file: string) => {
    const remote = describe(file);
    if (!remote) return false;
    const { kind } = await state(file, remote);
    if (kind !== 'none') return kind !== 'gone';
    // What a model need not have is not waited for, where the rest of it comes from the cache alone.
    if (options.offline || server.silent) return false;
    return listed || (await askAbout(remote.url, { headers, signal: options.signal })) !== null;
  };
  return {
    origin: name,
    has,
    async open(file) {
      const access = await fetched(file);
      if (!access) throw new CheckpointError(`${name} holds no ${file}.`);
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

/**
 * Fetches a file into the cache, going on where an earlier attempt broke off, and opens it.
 *
 * @param stale what the cache had when the server was found to have another.
 */
async function download(
  cache: FileCache,
  name: string,
  remote: RemoteFile,
  options: HubOptions,
  { headers, model }: Origin,
  stale?: { readonly note: FileNote | null },
): Promise<RandomAccess> {
  const { signal, onProgress } = options;
  // Another call may have fetched it while this one waited for its turn.
  const isStale =
    stale &&
    (remote.sha256
      ? !(await cache.matches(remote.key, remote.sha256))
      : sameNotes(await cache.note(remote.key), stale.note));
  const cached = isStale ? null : await cache.open(remote.key);
  if (cached) return cached;
  if (options.offline)
    throw new DownloadError(
      `${name} is not in the cache (${cache.place})${stale ? ' as it was promised' : ''}, and offline was asked for.`,
    );

  await cache.store(remote.key, async (begun) => {
    const transfer = await fetchPieces(remote.url, { headers, signal, begun });
    const expected = remote.size ?? transfer.size;
    const most = name.endsWith('.json') ? LARGEST_JSON : LARGEST_WEIGHTS;
    if (expected !== undefined && expected > most)
      throw new DownloadError(`${remote.url} has ${expected} bytes; at most ${most} are taken.`);
    let loaded = transfer.offset;
    const counted = (async function* () {
      for await (const piece of transfer.pieces) {
        loaded += piece.byteLength;
        if (loaded > (expected ?? most))
          throw new DownloadError(
            `${remote.url} sends more than the ${expected ?? most} bytes that ${expected === undefined ? 'are taken' : 'it should have'}.`,
          );
        onProgress?.({ stage: 'download', file: name, loaded, total: expected ?? 0 });
        yield piece;
      }
    })();
    return {
      pieces: counted,
      append: transfer.offset > 0,
      version: transfer.version,
      note: { model, ...transfer.told },
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

function sameNotes(a: FileNote | null, b: FileNote | null): boolean {
  return a?.etag === b?.etag && a?.modified === b?.modified;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
