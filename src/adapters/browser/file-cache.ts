import { keySegments } from '../../checkpoints/cache-key';
import { blobAccess } from '../../checkpoints/memory-access';
import {
  directoryOfKey,
  type FileCache,
  type FileNote,
  type Incoming,
} from '../../checkpoints/file-cache';
import { DownloadError } from '../../base/errors';

const NAME = 'seggpt';
/** Cache Storage wants URLs as keys; this one is never fetched. */
const ORIGIN = 'https://seggpt.invalid/';
const keyUrl = (key: string) => `${ORIGIN}${keySegments(key).join('/')}`;
/** Headers of stored responses that hold a file's note and when it was stored. */
const NOTE = 'x-seggpt-note';
const STORED = 'x-seggpt-stored';

/**
 * Downloads in Cache Storage. A response is stored only when its stream ends well, and the stream is
 * made to fail when the file does not verify. Interrupted downloads are not kept between page loads.
 */
export async function browserFileCache(): Promise<FileCache> {
  if (typeof caches === 'undefined') return memoryCache();
  const cache = await caches.open(NAME);
  return {
    place: 'Cache Storage',
    async open(key) {
      const response = await cache.match(keyUrl(key));
      return response ? blobAccess(await response.blob(), key) : null;
    },
    note: async (key) => noteIn(await cache.match(keyUrl(key))),
    // It was verified when it was stored, and nobody but the page can change it.
    matches: async (key) => (await cache.match(keyUrl(key))) !== undefined,
    async list() {
      const files = [];
      for (const { url } of await cache.keys()) {
        const response = url.startsWith(ORIGIN) ? await cache.match(url) : undefined;
        if (!response) continue;
        const key = decodeURIComponent(url.slice(ORIGIN.length));
        const stored = new Date(response.headers.get(STORED) ?? 0);
        const note = noteIn(response) ?? { model: directoryOfKey(key) };
        const { size } = await response.blob();
        files.push({ key, size, stored, note, partial: false });
      }
      return files;
    },
    remove: async ({ key }) => void (await cache.delete(keyUrl(key))),
    async store(key, start) {
      const { pieces, note, verify } = await start(null);
      let failure: unknown;
      const stream = await verifiedStream(pieces, verify, (error) => (failure = error));
      // Headers hold Latin letters alone.
      const headers = {
        [NOTE]: encodeURIComponent(JSON.stringify(note)),
        [STORED]: new Date().toISOString(),
      };
      await cache
        .put(keyUrl(key), new Response(stream, { headers }))
        .catch((cause: unknown) => (failure ??= unkept(key, cause)));
      if (failure) {
        await cache.delete(keyUrl(key));
        throw failure as Error;
      }
    },
  };
}

/** Where pages may not store anything (insecure contexts), files live as long as the page. */
const held = new Map<string, { blob: Blob; note: FileNote; stored: Date }>();

function memoryCache(): FileCache {
  return {
    place: 'memory',
    open(key) {
      const file = held.get(key);
      return Promise.resolve(file ? blobAccess(file.blob, key) : null);
    },
    note: (key) => Promise.resolve(held.get(key)?.note ?? null),
    matches: (key) => Promise.resolve(held.has(key)),
    list: () =>
      Promise.resolve(
        [...held].map(([key, { blob, note, stored }]) => {
          return { key, size: blob.size, note, stored, partial: false };
        }),
      ),
    remove: ({ key }) => Promise.resolve(void held.delete(key)),
    async store(key, start) {
      const { pieces, note, verify } = await start(null);
      let failure: unknown;
      const stream = await verifiedStream(pieces, verify, (error) => (failure = error));
      const blob = await new Response(stream).blob().catch((cause: unknown) => {
        throw failure ?? unkept(key, cause);
      });
      held.set(key, { blob, note, stored: new Date() });
    },
  };
}

function noteIn(response: Response | undefined): FileNote | null {
  const text = response?.headers.get(NOTE);
  return text ? (JSON.parse(decodeURIComponent(text)) as FileNote) : null;
}

function unkept(key: string, cause: unknown): DownloadError {
  const why = String((cause as Error).message ?? cause);
  return new DownloadError(
    `${key} cannot be kept by the browser (${why}); free storage of this site and try again.`,
    { cause },
  );
}

async function verifiedStream(
  pieces: AsyncIterable<Uint8Array>,
  verify: Incoming['verify'],
  onFailure: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  // Loaded with the first file: pages that load no model need no hashes.
  const { sha256 } = await import('@noble/hashes/sha2.js');
  const { bytesToHex } = await import('@noble/hashes/utils.js');
  const hash = sha256.create();
  const iterator = pieces[Symbol.asyncIterator]();
  let size = 0;
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (!done) {
          hash.update(value);
          size += value.byteLength;
          controller.enqueue(value);
          return;
        }
        verify({ size, sha256: bytesToHex(hash.digest()) });
        controller.close();
      } catch (error) {
        onFailure(error);
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
