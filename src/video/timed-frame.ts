/** A frame of a decoded video: RGB, `(height, width, 3)` 8-bit. */
export interface TimedFrame {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Seconds from the start of the video. */
  readonly time: number;
}
