import { ImageError } from '../../base/errors';
import type { DecodeLimits } from '../../images/decode-limits';
import { indexedPng } from '../../images/png-palette';
import type { RawImage } from '../../images/raw-image';

/** What a PNG's header says; browsers tell the like of other formats only after decoding, or never. */
function pngHeader(bytes: Uint8Array): { width: number; height: number; grey: boolean } | null {
  if (bytes.byteLength < 26 || bytes[0] !== 0x89 || bytes[1] !== 0x50) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    grey: bytes[25] === 0 || bytes[25] === 4,
  };
}

/**
 * Decodes an image file through the browser, EXIF orientation applied. Masks are decoded without colour
 * management, so that label values come through; a palette PNG read as a mask gives its indices.
 *
 * @throws ImageError if the browser cannot decode it, or it is larger than the limit.
 */
export async function decodeInBrowser(
  bytes: Uint8Array,
  purpose: 'image' | 'mask',
  limits: DecodeLimits,
  origin: string,
): Promise<RawImage> {
  if (bytes.byteLength === 0) throw new ImageError(`${origin} is empty.`);
  const header = pngHeader(bytes);
  if (header) checkPixels(header, limits, origin);
  if (purpose === 'mask') {
    const indices = await indexedPng(bytes, origin);
    if (indices) return indices;
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes as BlobPart]), {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: purpose === 'mask' ? 'none' : 'default',
    });
  } catch (cause) {
    throw new ImageError(`${origin} cannot be decoded as an image by this browser.`, { cause });
  }
  try {
    checkPixels(bitmap, limits, origin);
    const image = rasterize(bitmap, bitmap.width, bitmap.height);
    return purpose === 'mask' && header?.grey ? firstChannel(image) : image;
  } finally {
    bitmap.close();
  }
}

/** Draws what a canvas can draw; `null` if the object is nothing of the kind. */
export function drawInBrowser(value: object): Promise<RawImage> | null {
  const is = (name: string) => {
    const type = (globalThis as Record<string, unknown>)[name];
    return typeof type === 'function' && value instanceof type;
  };
  if (is('ImageData')) return null; // already pixels
  const size = is('HTMLImageElement')
    ? [(value as HTMLImageElement).naturalWidth, (value as HTMLImageElement).naturalHeight]
    : is('HTMLVideoElement')
      ? [(value as HTMLVideoElement).videoWidth, (value as HTMLVideoElement).videoHeight]
      : is('VideoFrame')
        ? [(value as VideoFrame).displayWidth, (value as VideoFrame).displayHeight]
        : is('ImageBitmap') || is('HTMLCanvasElement') || is('OffscreenCanvas')
          ? [(value as ImageBitmap).width, (value as ImageBitmap).height]
          : null;
  if (!size) return null;
  const [width, height] = size;
  if (!width || !height)
    return Promise.reject(
      new ImageError('The picture has no pixels yet; wait until it is loaded.'),
    );
  return Promise.resolve(rasterize(value as CanvasImageSource, width, height));
}

/** Encodes pixels as PNG through a canvas. */
export async function encodePngInBrowser({
  data,
  width,
  height,
  channels,
}: RawImage): Promise<Uint8Array> {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 4; c++) {
      rgba[i * 4 + c] =
        channels === 1 ? (c < 3 ? data[i] : 255) : c < channels ? data[i * channels + c] : 255;
    }
  }
  const canvas = new OffscreenCanvas(width, height);
  context(canvas).putImageData(new ImageData(rgba, width, height), 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
}

function rasterize(source: CanvasImageSource, width: number, height: number): RawImage {
  const canvas = new OffscreenCanvas(width, height);
  const pen = context(canvas);
  pen.drawImage(source, 0, 0, width, height);
  return { width, height, channels: 4, data: pen.getImageData(0, 0, width, height).data };
}

function context(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  if (!pen) throw new ImageError('This browser gives no 2D canvas to read pixels with.');
  return pen;
}

function checkPixels(
  { width, height }: { width: number; height: number },
  { maxPixels }: DecodeLimits,
  origin: string,
): void {
  if (width * height > maxPixels) {
    throw new ImageError(
      `${origin} has ${width} x ${height} pixels, more than the limit of ${maxPixels}; raise the option maxPixels if that is meant.`,
    );
  }
}

/** Browsers decode grey files to RGBA. */
function firstChannel({ data, width, height }: RawImage): RawImage {
  return {
    width,
    height,
    channels: 1,
    data: Uint8Array.from({ length: width * height }, (_, i) => data[i * 4]),
  };
}
