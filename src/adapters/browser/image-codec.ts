import { withOwnSignal } from '../../base/abort';
import { AbortedError, ImageError, InvalidInputError } from '../../base/errors';
import { shorten } from '../../base/shorten';
import { LARGEST_DOWNLOAD } from '../../images/decode-limits';
import type { ImageCodec } from '../../images/image-codec';
import { decodeInBrowser, drawInBrowser, encodePngInBrowser } from './decode-image';

/** Pictures in browsers: URLs and everything a canvas draws. */
export const imageCodec: ImageCodec = {
  async read(location, signal) {
    try {
      const response = await withOwnSignal(signal, (own) => fetch(location, { signal: own }));
      if (!response.ok)
        throw new ImageError(
          `${shorten(location)}: the server answers ${response.status} ${response.statusText}.`,
        );
      const { readBody } = await import('../../base/read-body');
      const fail = (what: string) => new ImageError(`${shorten(location)} ${what}.`);
      return await readBody(response, { most: LARGEST_DOWNLOAD, signal, fail });
    } catch (cause) {
      if (cause instanceof ImageError) throw cause;
      if (signal?.aborted) throw new AbortedError(signal);
      throw new ImageError(
        `Cannot fetch the image "${shorten(location)}": ${String((cause as Error).message)}`,
        { cause },
      );
    }
  },
  decode: decodeInBrowser,
  draw: drawInBrowser,
  encodePng: encodePngInBrowser,
  save: (path) =>
    Promise.reject(
      new InvalidInputError(
        'path',
        `browsers cannot write "${path}"; take its bytes (toPng(), toBytes()) or toImageData() instead.`,
      ),
    ),
};
