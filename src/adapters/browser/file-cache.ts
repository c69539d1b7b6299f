import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { blobAccess } from '../../checkpoints/memory-access';
import type { FileCache, Incoming } from '../../checkpoints/file-cache';
import { DownloadError } from '../../base/errors';

const NAME = 'seggpt';
/** Cache Storage wants URLs as keys; this one is never fetched. */
const keyUrl = (key: string) => `https://seggpt.invalid/${key}`;

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
    async store(key, start) {
      const { pieces, verify } = await start(null);
      let failure: unknown;
      const stream = verifiedStream(pieces, verify, (error) => (failure = error));
      await cache
        .put(keyUrl(key), new Response(stream))
        .catch((cause: unknown) => (failure ??= unkept(key, cause)));
      if (failure) {
        await cache.delete(keyUrl(key));
        throw failure as Error;
      }
    },
  };
}

/** Where pages may not store anything (insecure contexts), files live as long as the page. */
const held = new Map<string, Blob>();

function memoryCache(): FileCache {
  return {
    place: 'memory',
    open: (key) => Promise.resolve(held.has(key) ? blobAccess(held.get(key) as Blob, key) : null),
    async store(key, start) {
      const { pieces, verify } = await start(null);
      let failure: unknown;
      const blob = await new Response(verifiedStream(pieces, verify, (error) => (failure = error)))
        .blob()
        .catch((cause: unknown) => {
          throw failure ?? unkept(key, cause);
        });
      held.set(key, blob);
    },
  };
}

function unkept(key: string, cause: unknown): DownloadError {
  const why = String((cause as Error).message ?? cause);
  return new DownloadError(
    `${key} cannot be kept by the browser (${why}); free storage of this site and try again.`,
    { cause },
  );
}

function verifiedStream(
  pieces: AsyncIterable<Uint8Array>,
  verify: Incoming['verify'],
  onFailure: (error: unknown) => void,
): ReadableStream<Uint8Array> {
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
