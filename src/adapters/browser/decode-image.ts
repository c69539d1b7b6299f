import { ImageError } from '../../base/errors';
import { checkPixels, type DecodeLimits } from '../../images/decode-limits';
import type { DecodedImage, DecodeRequest } from '../../images/decoded-image';
import type { RawImage } from '../../images/raw-image';

/**
 * Decodes an image file through the browser, to 8 bits a channel. Masks are decoded without colour management, so that
 * label values come through.
 *
 * @throws ImageError if the browser cannot decode it, or it is larger than the limit.
 */
export async function decodeInBrowser(
  bytes: Uint8Array,
  { purpose, orientation }: DecodeRequest,
  limits: DecodeLimits,
  origin: string,
): Promise<DecodedImage> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes as BlobPart]), {
      imageOrientation: orientation === 'stored' ? 'none' : 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: purpose === 'mask' ? 'none' : 'default',
    });
  } catch (cause) {
    throw new ImageError(`${origin} cannot be decoded as an image by this browser.`, { cause });
  }
  try {
    checkPixels(bitmap, limits, origin);
    return rasterize(bitmap, bitmap.width, bitmap.height);
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
