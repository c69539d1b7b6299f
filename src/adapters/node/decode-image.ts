import { ImageError } from '../../base/errors';
import type { DecodeLimits } from '../../images/decode-limits';
import { indexedPng } from '../../images/png-palette';
import type { RawImage } from '../../images/raw-image';

/**
 * Decodes an image file in Node (sharp: PNG, JPEG, WebP, AVIF, TIFF, GIF, …). EXIF orientation is
 * applied. CMYK and wide-gamut pictures become sRGB; 16-bit ones become 8-bit; of an animation the
 * first frame is taken. A palette PNG read as a mask gives its indices; a mask of 16 bits is refused,
 * because its labels would be squeezed.
 *
 * @throws ImageError if it is not an image, is truncated, empty or larger than the limit.
 */
export async function decodeInNode(
  bytes: Uint8Array,
  purpose: 'image' | 'mask',
  limits: DecodeLimits,
  origin: string,
): Promise<RawImage> {
  if (bytes.byteLength === 0) throw new ImageError(`${origin} is empty.`);
  const { default: sharp } = await import('sharp');
  try {
    const options = { limitInputPixels: false, failOn: 'truncated', sequentialRead: true } as const;
    const metadata = await sharp(bytes, options).metadata();
    const [width, height] = [metadata.width ?? 0, metadata.pageHeight ?? metadata.height ?? 0];
    if (width === 0 || height === 0) throw new ImageError(`${origin} has no pixels.`);
    if (width * height > limits.maxPixels) {
      throw new ImageError(
        `${origin} has ${width} x ${height} pixels, more than the limit of ${limits.maxPixels}; raise the option maxPixels if that is meant.`,
      );
    }
    if (purpose === 'mask') {
      const indices = await indexedPng(bytes, origin);
      if (indices) return indices;
      if (metadata.depth && !['uchar', 'char'].includes(metadata.depth)) {
        throw new ImageError(
          `${origin} is a mask of more than 8 bits a channel; save it as an 8-bit label map.`,
        );
      }
      // Label values must come through untouched, so no colour management for grey masks.
      const raw = sharp(bytes, options).autoOrient();
      const grey = metadata.space === 'b-w' && (metadata.channels ?? 1) <= 2;
      const plain = grey ? raw.extractChannel(0) : raw.toColourspace('srgb').ensureAlpha();
      return await toRaw(plain.raw().toBuffer({ resolveWithObject: true }));
    }
    const plain = sharp(bytes, options).autoOrient().toColourspace('srgb');
    return await toRaw(plain.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }));
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const why = String((cause as Error).message).split('\n')[0];
    throw new ImageError(`${origin} cannot be decoded as an image: ${why}`, { cause });
  }
}

async function toRaw(
  work: Promise<{ data: Buffer; info: { width: number; height: number; channels: number } }>,
): Promise<RawImage> {
  const { data, info } = await work;
  return { width: info.width, height: info.height, channels: info.channels as 1 | 3 | 4, data };
}
