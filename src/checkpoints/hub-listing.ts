import { DownloadError } from '../base/errors';
import { readBody } from '../base/read-body';
import { utf8Text } from '../base/text';
import { isIll, request, UnreachableError } from './fetch-pieces';

/** What a hub says of a model at a commit. */
export interface Listing {
  /** Hexadecimal. */
  readonly commit: string;
  readonly files: readonly ListedFile[];
}

/** A file of a listing. */
export interface ListedFile {
  readonly name: string;
  /** In bytes. */
  readonly size?: number;
  /** Hexadecimal. */
  readonly sha256?: string;
}

/** A hub lists a file in some 300 bytes. */
const LARGEST_LISTING = 4 << 20;
const COMMIT = /^[0-9a-f]{4,64}$/;
const SHA256 = /^[0-9a-f]{64}$/i;

/**
 * A listing as it was kept or came from a hub, with nothing in it that is not of its form: the commit becomes a directory,
 * sizes and sums decide what is kept.
 *
 * @returns `null` if it is none.
 */
export function parseListing(value: unknown): Listing | null {
  const { commit, files } = (value ?? {}) as { commit?: unknown; files?: unknown };
  if (typeof commit !== 'string' || !COMMIT.test(commit) || !Array.isArray(files)) return null;
  const sound = files.filter((file: unknown): file is ListedFile => {
    const { name, size, sha256 } = (file ?? {}) as Record<string, unknown>;
    return (
      typeof name === 'string' &&
      (size === undefined || (Number.isSafeInteger(size) && (size as number) >= 0)) &&
      (sha256 === undefined || (typeof sha256 === 'string' && SHA256.test(sha256)))
    );
  });
  return sound.length === files.length ? { commit, files: sound } : null;
}

/**
 * Asks a hub for a model's files.
 *
 * @param name of the model, for messages.
 * @throws DownloadError, UnreachableError, AbortedError
 */
export async function askHub(
  name: string,
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Listing> {
  const response = await request(url, { headers, signal });
  const { status, statusText } = response;
  if (!response.ok) await response.body?.cancel();
  if (status === 401 || status === 403) {
    throw new DownloadError(
      `${name}: the hub refuses access (${status}); set the option token or HF_TOKEN.`,
    );
  }
  if (status === 404) throw new DownloadError(`${name}: the hub knows no such model or revision.`);
  if (!response.ok) {
    const Failure = isIll(status) ? UnreachableError : DownloadError;
    throw new Failure(`${name}: the hub answers ${status} ${statusText}.`);
  }
  const fail = (what: string, cause?: unknown) =>
    new DownloadError(`${name}: what ${url} answers ${what}.`, { cause });
  const text = utf8Text(await readBody(response, { most: LARGEST_LISTING, signal, fail }));
  const listing = parseListing(ofHub(text));
  if (!listing) throw new DownloadError(`${name}: ${url} does not answer like a model hub.`);
  return listing;
}

/** A hub's answer in the form of a listing, unchecked; `null` if it is nothing like it. */
function ofHub(text: string): unknown {
  try {
    const { sha, siblings } = JSON.parse(text) as {
      sha: unknown;
      siblings: {
        rfilename: unknown;
        size?: unknown;
        lfs?: { sha256?: unknown; size?: unknown };
      }[];
    };
    const files = siblings.map(({ rfilename, size, lfs }) => {
      return { name: rfilename, size: lfs?.size ?? size ?? undefined, sha256: lfs?.sha256 };
    });
    return { commit: sha, files };
  } catch {
    return null; // no JSON, or of another form
  }
}
