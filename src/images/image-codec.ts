import type { DecodedImage, DecodeRequest } from './decoded-image';
import type { DecodeLimits } from './decode-limits';
import type { RawImage } from './raw-image';

/**
 * What reading and writing pictures needs from Node or the browser. The adapter is chosen by `#image-codec` in the
 * `imports` of package.json.
 */
export interface ImageCodec {
  /** Reads a file's bytes from a path or URL. @throws ImageError, AbortedError */
  read(location: string, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * Decodes an encoded image.
   *
   * @param origin names the file in messages.
   * @throws ImageError if it is none, or larger than the limits.
   */
  decode(
    bytes: Uint8Array,
    request: DecodeRequest,
    limits: DecodeLimits,
    origin: string,
  ): Promise<DecodedImage>;
  /** Draws what the platform can draw (canvas, ImageBitmap, `<img>`, VideoFrame, …); `null` if it is nothing of the kind. */
  draw(value: object): Promise<RawImage> | null;
  /** Encodes grey or RGB(A) pixels as PNG. */
  encodePng(image: RawImage): Promise<Uint8Array>;
  /** Writes a file, whole or not at all. @throws InvalidInputError in browsers, which have no paths. */
  save(path: string, bytes: Uint8Array): Promise<void>;
}

export { imageCodec } from '#image-codec';
