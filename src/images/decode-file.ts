import { ImageError } from '../base/errors';
import { checkPixels, type DecodeLimits } from './decode-limits';
import type { DecodedImage, DecodeRequest } from './decoded-image';
import { exifOrientation } from './exif';
import { imageCodec } from './image-codec';

/**
 * Decodes an encoded file: by readers of our own where the platform's would change labels (PNG) or may know no such format
 * (BMP), else by the platform's.
 *
 * @param origin names the file in messages.
 * @throws ImageError if it is no image, damaged, or larger than the limits.
 */
export async function decodeFile(
  bytes: Uint8Array,
  request: DecodeRequest,
  limits: DecodeLimits,
  origin: string,
): Promise<DecodedImage> {
  if (bytes.byteLength === 0) throw new ImageError(`${origin} is empty.`);
  if (isBmp(bytes)) {
    const { decodeBmp } = await import('./bmp');
    const image = decodeBmp(bytes, limits, origin);
    return request.purpose === 'image' ? withColors(image) : image;
  }
  const size = pngSize(bytes);
  if (size) checkPixels(size, limits, origin);
  if (request.purpose === 'mask' && size) {
    const { pngSamples } = await import('./png-samples');
    const samples = await pngSamples(bytes, origin);
    if (samples) return samples;
  }
  try {
    const image = await imageCodec.decode(bytes, request, limits, origin);
    return { ...image, orientation: exifOrientation(bytes) };
  } catch (cause) {
    if (!isHeic(bytes)) throw cause;
    throw new ImageError(
      `${origin} is a HEIC picture (HEVC), as phones take them, which cannot be decoded here; convert it to JPEG or PNG (on a Mac: sips -s format jpeg FILE --out FILE.jpg; in ImageMagick: magick FILE FILE.jpg), or set the camera to JPEG ("most compatible").`,
      { cause },
    );
  }
}

/** What a PNG's header says; browsers tell the like of other formats only after decoding. */
function pngSize(bytes: Uint8Array): { width: number; height: number } | null {
  if (bytes.byteLength < 26 || bytes[0] !== 0x89 || bytes[1] !== 0x50) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  return width > 0 && height > 0 ? { width, height } : null;
}

/** Whether a file is HEIF with a picture coded by HEVC, by its brands (ISO/IEC 23008-12, annex B); AVIF is not. */
function isHeic(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 40));
  if (text.slice(4, 8) !== 'ftyp' || text.includes('avif')) return false;
  return /^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(text.slice(8, 12));
}

/** Indices → the RGB colours they stand for. */
function withColors(image: DecodedImage): DecodedImage {
  const { palette, data, width, height } = image;
  if (!palette) return image;
  const colors = new Uint8Array(width * height * 3);
  for (let i = 0, to = 0; i < data.length; i++, to += 3)
    for (let c = 0; c < 3; c++) colors[to + c] = palette[data[i] * 4 + c];
  return { width, height, channels: 3, data: colors };
}

/** Whether a file is a Windows bitmap, by its first bytes. */
function isBmp(bytes: Uint8Array): boolean {
  return bytes.byteLength >= 26 && bytes[0] === 0x42 && bytes[1] === 0x4d;
}
