import { AbortedError, CheckpointError, ImageError, InvalidInputError } from '../../base/errors';
import { decodeInBrowser, drawInBrowser, encodePngInBrowser } from './decode-image';
import { readVideoInBrowser } from './video-frames';
import { browserFileCache } from './file-cache';
import type { Platform } from '../platform';
import { tfjsBackend } from './tfjs-provider';

export const platform: Platform = {
  name: 'browser',

  pathKind: () => Promise.resolve('none'),
  openFile: (path) =>
    Promise.reject(
      new CheckpointError(
        `Browsers have no files by path ("${path}"); give a URL, a Blob or bytes.`,
      ),
    ),
  join: (directory, name) => `${directory.replace(/\/+$/, '')}/${name}`,
  relativeUrl: (path) =>
    /^\.{0,2}\//.test(path)
      ? new URL(path, globalThis.document?.baseURI ?? location.href).href
      : null,
  bundledModel: () => new URL('../../weights', import.meta.url).href,

  fileCache: browserFileCache,
  environment: () => undefined,

  async readImageFile(location, signal) {
    try {
      const response = await fetch(location, { signal });
      if (!response.ok)
        throw new ImageError(
          `${location}: the server answers ${response.status} ${response.statusText}.`,
        );
      return new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      if (cause instanceof ImageError) throw cause;
      if (signal?.aborted) throw new AbortedError(signal);
      throw new ImageError(
        `Cannot fetch the image "${location}": ${String((cause as Error).message)}`,
        { cause },
      );
    }
  },
  decodeImage: decodeInBrowser,
  drawable: drawInBrowser,
  encodePng: encodePngInBrowser,
  writeFile: (path) =>
    Promise.reject(
      new InvalidInputError(
        'path',
        `browsers cannot write "${path}"; use toPng() or toImageData() instead.`,
      ),
    ),

  openFrames: readVideoInBrowser,

  tfjsBackend,
};
