import { VideoError } from '../../base/errors';

/** A picture cut out of a stream of binary PPM pictures. */
export interface PpmPicture {
  readonly width: number;
  readonly height: number;
  /** `(height, width, 3)` RGB 8-bit. */
  readonly data: Uint8Array;
}

/** Longest header that is taken for one: "P6", two sizes, "255". */
const LONGEST_HEADER = 64;

/**
 * Cuts a stream of binary PPM pictures (netpbm, `ppm(5)`) apart. Each picture tells its own size, so the
 * size may change on the way. At most one picture is held.
 *
 * @throws VideoError if the stream holds anything else, or ends inside a picture.
 */
export async function* readPpmStream(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<PpmPicture> {
  let header: Uint8Array = new Uint8Array(0);
  let picture: { width: number; height: number; data: Uint8Array; filled: number } | null = null;
  for await (const piece of chunks) {
    let chunk = piece;
    while (chunk.length > 0) {
      if (!picture) {
        const before = header.length;
        header = concat(header, chunk.subarray(0, LONGEST_HEADER - before));
        const match = /^P6\s(\d+)\s(\d+)\s255\s/.exec(String.fromCharCode(...header));
        if (!match) {
          if (header.length >= LONGEST_HEADER)
            throw new VideoError('The decoder sent something that is no picture.');
          chunk = chunk.subarray(header.length - before);
          continue;
        }
        const [width, height] = [Number(match[1]), Number(match[2])];
        picture = { width, height, data: new Uint8Array(width * height * 3), filled: 0 };
        chunk = chunk.subarray(match[0].length - before);
        header = new Uint8Array(0);
      }
      const part = chunk.subarray(0, picture.data.length - picture.filled);
      picture.data.set(part, picture.filled);
      picture.filled += part.length;
      chunk = chunk.subarray(part.length);
      if (picture.filled === picture.data.length) {
        const { width, height, data } = picture;
        picture = null;
        yield { width, height, data };
      }
    }
  }
  if (picture || header.length > 0) throw new VideoError('The video ended inside a picture.');
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
