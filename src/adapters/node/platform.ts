import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileAccess } from './file-access';
import { AbortedError, ImageError } from '../../base/errors';
import { decodeInNode } from './decode-image';
import { openFrames } from './frames';
import { nodeFileCache } from './file-cache';
import type { Platform } from '../platform';
import { tfjsBackend } from './tfjs-provider';

export const platform: Platform = {
  name: 'node',

  async pathKind(path) {
    const found = await stat(path).catch(() => null);
    return found?.isFile() ? 'file' : found?.isDirectory() ? 'directory' : 'none';
  },
  openFile: fileAccess,
  join,
  relativeUrl: () => null,
  // Two levels up both from src/platform and from dist/node.
  bundledModel: () => join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'weights'),

  fileCache: (directory) => Promise.resolve(nodeFileCache(directory)),
  environment: (name) => process.env[name] || undefined,

  async readImageFile(location, signal) {
    try {
      if (/^https?:\/\//.test(location)) {
        const response = await fetch(location, { signal });
        if (!response.ok)
          throw new ImageError(
            `${location}: the server answers ${response.status} ${response.statusText}.`,
          );
        return new Uint8Array(await response.arrayBuffer());
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
          ? `There is no image file "${location}"; check the path.`
          : `Cannot read the image "${location}": ${String((cause as Error).message)}`,
        { cause },
      );
    }
  },
  decodeImage: decodeInNode,
  drawable: () => null,
  async encodePng({ data, width, height, channels }) {
    const { default: sharp } = await import('sharp');
    return sharp(data, { raw: { width, height, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png({ palette: false, compressionLevel: 6 })
      .toBuffer();
  },
  async writeFile(path, bytes) {
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

  openFrames,

  tfjsBackend,
};
