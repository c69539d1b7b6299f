import type { TimedFrame } from './timed-frame';
import type { ImageInput } from '../images/image-input';

/** Takes RGB frames of one size and writes them as a video. */
export interface FrameWriter {
  /**
   * @param data `(height, width, 3)` RGB 8-bit.
   * @param time seconds from the start; frames are repeated or left out to keep their times.
   * @throws VideoError for a frame of another size, and with the encoder's message once it has ended.
   */
  write(data: Uint8Array, time: number): Promise<void>;
  /** Finishes the file. @throws VideoError with the encoder's message. */
  close(): Promise<void>;
  /** Gives up. */
  abort(): void;
}

/**
 * Where frames come from and go to in Node or the browser. The adapter is chosen by `#frame-store` in the `imports` of
 * package.json.
 */
export interface FrameStore {
  /** Frames of a directory of images or of a video. @throws VideoError, AbortedError */
  open(path: string, signal?: AbortSignal): AsyncIterable<ImageInput | TimedFrame>;
  /**
   * Image files of a directory in the natural order of their names. Where one name has several files, as a photograph
   * `000.jpg` with its mask `000.png`, the PNG is left out.
   *
   * @throws VideoError in browsers, which have no directories.
   */
  list(directory: string): Promise<string[]>;
  /** @throws VideoError if the file cannot be begun, and in browsers. */
  createWriter(path: string, width: number, height: number, framesPerSecond: number): FrameWriter;
}

export { frameStore } from '#frame-store';
