/**
 * Decoded pixels, row-major, top row first, 8 bits a channel.
 *
 * - 1 channel: grey, or the indices of a label map
 * - 3 channels: RGB
 * - 4 channels: RGBA, not premultiplied
 */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
}
