import { throwIfAborted, unlessAborted, withOwnSignal } from '../base/abort';
import { stalling } from '../base/read-body';
import { AbortedError, DownloadError } from '../base/errors';
import type { Begun } from './file-cache';
import { fileStore } from './file-store';

interface RequestOptions {
  readonly headers: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** A file on its way. */
export interface Transfer {
  /** Where the first piece belongs: more than 0 only if the server went on from `begun`. */
  readonly offset: number;
  /** Size of the whole file, if the server tells. */
  readonly size?: number;
  /** The server's version of the file (its ETag), or '', by which a transfer that breaks off goes on. */
  readonly version: string;
  /** All that the server tells of its version. */
  readonly told: Pick<RemoteVersion, 'etag' | 'modified'>;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** A server that does not answer, or is ill: what is cached may serve in its place. */
export class UnreachableError extends DownloadError {}

/** Whether an answer means "later". */
export const isIll = (status: number) => status === 429 || status >= 500;

/** Attempts in a row that bring no byte before a download is given up. */
const ATTEMPTS = 4;
/** Milliseconds in which an answer must begin. */
const HEADERS_MS = 60_000;

/**
 * `fetch` with this package's errors, until the answer begins: who reads its body listens to the signal. Redirects are
 * followed, in Node by its adapter's rules; a token is not sent on to another host.
 */
export async function request(
  url: string,
  options: RequestOptions & { readonly method?: string; readonly patience?: number },
): Promise<Response> {
  const { method, headers, patience = HEADERS_MS } = options;
  // What a browser's own cache holds may be older than ours.
  const ask = (signal: AbortSignal) =>
    fileStore.fetch(url, { method, headers, signal, cache: 'no-cache' });
  try {
    return await withOwnSignal(options.signal, ask, patience);
  } catch (cause) {
    if (options.signal?.aborted) throw new AbortedError(options.signal);
    if (cause instanceof DownloadError) throw cause;
    const why = (cause as Error).cause ?? cause;
    throw new UnreachableError(
      `${url} cannot be reached (${String((why as Error).message ?? why)}).`,
      { cause },
    );
  }
}

/** Answers that mean "there is no such file". Stores of objects say 403 for what they do not hold. */
const ABSENT = [403, 404, 410];
/** Answers of servers that know no HEAD requests. */
const NO_HEAD = [405, 501];

/** What a server tells of a file without sending it. */
export interface RemoteVersion {
  readonly etag?: string;
  /** Its `Last-Modified`, as it stands. */
  readonly modified?: string;
  /** In bytes. */
  readonly size?: number;
}

/**
 * Asks a server about a file, without headers that would cost browsers a further request to another origin.
 *
 * @param options.patience milliseconds to wait for an answer.
 * @returns `null` if there is no such file.
 * @throws DownloadError if the server does not say, AbortedError
 */
export async function askAbout(
  url: string,
  options: RequestOptions & { readonly patience?: number },
): Promise<RemoteVersion | null> {
  let response = await request(url, { ...options, method: 'HEAD' });
  if (NO_HEAD.includes(response.status)) response = await request(url, options);
  await response.body?.cancel();
  if (response.ok) return { ...versionOf(response), size: wholeSize(response) };
  if (ABSENT.includes(response.status)) return null;
  throw refusal(url, response);
}

function versionOf({ headers }: Response): Pick<RemoteVersion, 'etag' | 'modified'> {
  const [etag, modified] = [headers.get('etag'), headers.get('last-modified')];
  return { ...(etag !== null && { etag }), ...(modified !== null && { modified }) };
}

/**
 * Fetches a file in pieces. When the connection breaks or stalls it asks for the rest, as long as the
 * file on the server stays the same, and gives up after several attempts that brought nothing.
 *
 * @param begun bytes kept of an earlier download, and the version they belong to.
 * @throws DownloadError, AbortedError
 */
export async function fetchPieces(
  url: string,
  options: RequestOptions & {
    readonly begun: Begun | null;
  },
): Promise<Transfer> {
  const { begun } = options;
  let response = await ask(url, options, begun?.size ?? 0, begun?.version ?? '');
  if (response.status === 416 || (begun && isOfAnother(response, begun))) {
    await response.body?.cancel();
    response = await ask(url, options, 0, '');
  }
  const offset = response.status === 206 ? (begun?.size ?? 0) : 0;
  const version = response.headers.get('etag') ?? '';
  const size = wholeSize(response);
  const pieces = resuming(url, options, response, offset, size, version);
  return { offset, size, version, told: versionOf(response), pieces };
}

async function* resuming(
  url: string,
  options: RequestOptions,
  first: Response,
  offset: number,
  size: number | undefined,
  version: string,
): AsyncGenerator<Uint8Array> {
  let at = offset;
  let response: Response | undefined = first;
  let refused: unknown; // why there is no response
  for (let failures = 0; ;) {
    let broken = refused;
    const reader = response?.body?.getReader();
    try {
      for (;;) {
        // Node can leave a read pending whose fetch was aborted, so the signal is listened to here, too.
        const step = reader && (await stalling(unlessAborted(reader.read(), options.signal)));
        if (!step || step.done) break;
        at += step.value.byteLength;
        failures = 0;
        yield step.value;
      }
    } catch (error) {
      broken = error;
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
    throwIfAborted(options.signal);
    if (!broken && (size === undefined || at >= size)) return;
    if (++failures >= ATTEMPTS || (version === '' && at > 0 && size === undefined)) {
      throw new DownloadError(
        `${url} broke off at byte ${at}${size ? ` of ${size}` : ''}; run it again to go on from there.`,
        {
          cause: broken,
        },
      );
    }
    await wait(100 * 4 ** failures, options.signal);
    try {
      response = await ask(url, options, at, version);
      refused = undefined;
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      response = undefined; // counts as an attempt that brought nothing
      refused = error;
      continue;
    }
    if (at > 0 && (response.status !== 206 || isOfAnother(response, { version, size: at }, size))) {
      await response.body?.cancel();
      throw new DownloadError(`${url} changed or cannot be resumed at byte ${at}; run it again.`);
    }
  }
}

/** Asks for a file from a byte on; a file that changed meanwhile comes whole (If-Range, RFC 9110 section 13.1.5). */
async function ask(
  url: string,
  options: RequestOptions,
  from: number,
  version: string,
): Promise<Response> {
  const headers = { ...options.headers };
  if (from > 0) {
    headers.range = `bytes=${from}-`;
    if (version && !version.startsWith('W/')) headers['if-range'] = version;
  }
  const response = await request(url, { headers, signal: options.signal });
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw refusal(url, response);
}

/**
 * Whether a part belongs to another version, or is another part than was asked for. Weak ETags cannot guard a range, so what
 * comes is compared.
 */
function isOfAnother(response: Response, begun: Begun, whole?: number): boolean {
  if (response.status !== 206) return false;
  const now = response.headers.get('etag');
  if (begun.version !== '' && now !== null && now !== begun.version) return true;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const [, from, size] = range ?? [];
  return (
    Number(from) !== begun.size || (whole !== undefined && size !== '*' && Number(size) !== whole)
  );
}

function refusal(url: string, { status, statusText }: Response): DownloadError {
  if (isIll(status))
    return new UnreachableError(
      `${url}: the server answers ${status} ${statusText}; try again later.`,
    );
  const hint = status === 401 || status === 403 ? '; a token may be needed' : '';
  return new DownloadError(`${url}: the server answers ${status} ${statusText}${hint}.`);
}

function wholeSize(response: Response): number | undefined {
  const range = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  if (range) return Number(range[1]);
  const length = response.headers.get('content-length');
  // A compressed transfer's length is not the file's.
  return length === null || response.headers.has('content-encoding') ? undefined : Number(length);
}

function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new AbortedError(signal as AbortSignal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
