import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withOwnSignal } from '../../base/abort';
import { AbortedError, ImageError } from '../../base/errors';
import { shorten } from '../../base/shorten';
import type { ImageCodec } from '../../images/image-codec';
import { decodeInNode } from './decode-image';

/** Pictures in Node: files and URLs, decoded and encoded by sharp. */
export const imageCodec: ImageCodec = {
  async read(location, signal) {
    try {
      if (/^https?:\/\//.test(location)) {
        return await withOwnSignal(signal, async (own) => {
          const response = await fetch(location, { signal: own });
          if (!response.ok)
            throw new ImageError(
              `${shorten(location)}: the server answers ${response.status} ${response.statusText}.`,
            );
          return new Uint8Array(await response.arrayBuffer());
        });
      }
      return await readFile(location.startsWith('file:') ? fileURLToPath(location) : location, {
        signal,
      });
    } catch (cause) {
      if (cause instanceof ImageError) throw cause;
      if (signal?.aborted) throw new AbortedError(signal);
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
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  },
};
