import type { TimedFrame } from './timed-frame';
import type { ImageInput } from '../images/image-input';

/** Takes RGB frames of one size and writes them as a video. */
export interface FrameWriter {
  /**
   * @param data `(height, width, 3)` RGB 8-bit.
   * @param time seconds from the start, later than that of the frame before.
   * @throws VideoError for a frame of another size, and with the encoder's message once it has ended.
   */
  write(data: Uint8Array, time: number): Promise<void>;
  /** Finishes the file, which has its name from now on. @throws VideoError with the encoder's message. */
  close(): Promise<void>;
  /** Gives up and leaves no file. */
  abort(): void;
}

/** When frames of a written video are shown. */
export interface FrameWriterOptions {
  /**
   * Frames a second of the file: frames are repeated or left out to keep their times.
   * @default none: every frame is written once, at its own time
   */
  readonly constantRate?: number;
  /**
   * Frames a second that the file states where every frame has its own time: those of the source.
   * @default 25
   */
  readonly nominalRate?: number;
}

/** Hears that a video was read, but not as a whole. */
export type HearsOfDamage = (message: string) => void;

/**
 * Where frames come from and go to in Node or the browser. The adapter is chosen by `#frame-store` in the `imports` of
 * package.json.
 */
export interface FrameStore {
  /**
   * Frames of a directory of images or of a video: a file, or the URL of one (`https:`, `rtsp:`, …). A file can make nothing but
   * files be read, a URL nothing but URLs.
   *
   * @param onDamage hears of a video that ends early or is damaged, after the frames that could be read; a warning
   *   (`SEGGPT_VIDEO`) by default.
   * @throws VideoError, AbortedError
   */
  open(
    path: string,
    signal?: AbortSignal,
    onDamage?: HearsOfDamage,
  ): AsyncIterable<ImageInput | TimedFrame>;
  /**
   * Image files of a directory in the natural order of their names. Where one name has several files, as a photograph
   * `000.jpg` with its mask `000.png`, the PNG is left out.
   *
   * @throws VideoError in browsers, which have no directories.
   */
  list(directory: string): Promise<string[]>;
  /**
   * Begins a video in the container that its name asks for: H.264 in `.mp4`, `.m4v`, `.mov` and `.mkv`, VP9 in `.webm`, and
   * `.gif`. It is written beside its place and moved there when it is closed.
   *
   * @throws VideoError for another container, if the file cannot be begun, and in browsers.
   */
  createWriter(
    path: string,
    width: number,
    height: number,
    options?: FrameWriterOptions,
  ): FrameWriter;
}

export { frameStore } from '#frame-store';
