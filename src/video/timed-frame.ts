/** A frame of a decoded video: RGB, `(height, width, 3)` 8-bit. */
export interface TimedFrame {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** `(height, width, 3 or 4)` row-major, 0 … 255. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Seconds from the start of the video. */
  readonly time: number;
  /** Frames a second as the video states them, where it does; of a variable rate a nominal one. */
  readonly frameRate?: number;
}
