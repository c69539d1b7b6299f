/**
 * Decoded pixels, row-major, top row first, 8 bits a channel.
 *
 * - 1 channel: grey, or the indices of a label map
 * - 3 channels: RGB
 * - 4 channels: RGBA, not premultiplied
 */
export interface RawImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** 1 for grey, 3 for RGB, 4 for RGBA. */
  readonly channels: 1 | 3 | 4;
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
}
