import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withOwnSignal } from '../../base/abort';
import { AbortedError, DownloadError, ImageError, OutputError } from '../../base/errors';
import { readBody } from '../../base/read-body';
import { shorten } from '../../base/shorten';
import { LARGEST_DOWNLOAD } from '../../images/decode-limits';
import type { ImageCodec } from '../../images/image-codec';
import { decodeInNode } from './decode-image';
import { fetchFollowing } from './fetch-following';
import { readFileAt } from './regular-file';
import { temporaryBeside } from './temporary-file';

/** Milliseconds in which a server must begin to answer. */
const HEADERS_MS = 60_000;

/** @throws ImageError, AbortedError, and what fetching throws. */
async function download(url: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const ask = (own: AbortSignal) => fetchFollowing(url, { signal: own });
  const response = await withOwnSignal(signal, ask, HEADERS_MS);
  if (!response.ok) {
    await response.body?.cancel();
    throw new ImageError(
      `${shorten(url)}: the server answers ${response.status} ${response.statusText}.`,
    );
  }
  const fail = (what: string, cause?: unknown) =>
    new ImageError(`${shorten(url)} ${what}.`, { cause });
  return readBody(response, { most: LARGEST_DOWNLOAD, signal, fail });
}

/** Pictures in Node: files and URLs, decoded and encoded by sharp. */
export const imageCodec: ImageCodec = {
  async read(location, signal) {
    try {
      if (/^https?:\/\//.test(location)) {
        return await download(location, signal);
      }
      return await readFileAt(
        /^file:/i.test(location) ? fileURLToPath(location) : location,
        signal,
      );
    } catch (cause) {
      if (cause instanceof ImageError) throw cause;
      if (signal?.aborted) throw new AbortedError(signal);
      if (cause instanceof DownloadError) throw new ImageError(cause.message, { cause });
      const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
      throw new ImageError(
        missing
          ? `There is no image file "${shorten(location)}"; check the path.`
          : `Cannot read the image "${shorten(location)}": ${String((cause as Error).message)}`,
        { cause },
      );
    }
  },

  decode: decodeInNode,
  draw: () => null,

  async encodePng({ data, width, height, channels }) {
    const { default: sharp } = await import('sharp');
    return sharp(data, { raw: { width, height, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png({ palette: false, compressionLevel: 6 })
      .toBuffer();
  },

  async save(path, bytes) {
    const temporary = temporaryBeside(path);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined); // the reason is told already
      throw new OutputError(path, cause as Error);
    }
  },
};
