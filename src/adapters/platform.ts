import type { RandomAccess } from '../checkpoints/random-access';
import type { FileCache } from '../checkpoints/file-cache';
import type { ImageInput } from '../images/image-input';
import type { RawImage } from '../images/raw-image';
import type { DecodeLimits } from '../images/decode-limits';
import type * as tfjs from '@tensorflow/tfjs';

export type TensorFlow = typeof tfjs;

/** What differs between Node and browsers, in one place. */
export interface Platform {
  readonly name: 'node' | 'browser';

  /** What a path leads to. Browsers have no paths. */
  pathKind(path: string): Promise<'file' | 'directory' | 'none'>;
  /** @throws CheckpointError if the file cannot be opened. */
  openFile(path: string): Promise<RandomAccess>;
  /** Joins a directory and a name. */
  join(directory: string, name: string): string;
  /** A path as a URL, where paths are URLs: relative to the page in browsers; `null` in Node. */
  relativeUrl(path: string): string | null;
  /** Where the bundled model lies: a directory in Node, a base URL in browsers. */
  bundledModel(): string;

  /** Downloaded files, kept between runs. `directory` overrides the default place in Node. */
  fileCache(directory?: string): Promise<FileCache>;
  /** An environment variable; `undefined` in browsers. */
  environment(name: string): string | undefined;

  /** Reads an image file's bytes from a path or URL. @throws ImageError */
  readImageFile(location: string, signal?: AbortSignal): Promise<Uint8Array>;
  /** Decodes an encoded image. @throws ImageError */
  decodeImage(
    bytes: Uint8Array,
    purpose: 'image' | 'mask',
    limits: DecodeLimits,
    origin: string,
  ): Promise<RawImage>;
  /** Draws a platform picture (canvas, ImageBitmap, `<img>`, VideoFrame, …); `null` if it is none. */
  drawable(value: object): Promise<RawImage> | null;
  /** Encodes RGB(A) or grey pixels as PNG. */
  encodePng(image: RawImage): Promise<Uint8Array>;
  /** Writes a file, whole or not at all. @throws in browsers, which have no paths. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;

  /** Frames of a directory of images or of a video. @throws VideoError */
  openFrames(path: string, signal?: AbortSignal): AsyncIterable<ImageInput>;

  /**
   * The TF.js module that serves a backend, initialised, or the reason why it cannot be had. `hardwareOnly` refuses
   * WebGPU adapters that compute in software. Without a fitting adapter TF.js is not even loaded.
   */
  tfjsBackend(
    name: TfjsBackend,
    hardwareOnly?: boolean,
  ): Promise<TfjsHandle | { readonly unavailable: string }>;
}

export type TfjsBackend = 'tensorflow-gpu' | 'tensorflow' | 'webgpu' | 'wasm' | 'webgl' | 'cpu';

export interface TfjsHandle {
  readonly tf: TensorFlow;
  /** The name it is registered under. */
  readonly backend: string;
  /** Whether it computes in software (SwiftShader and the like). */
  readonly software: boolean;
  /** Called when the engine is released. */
  readonly close?: () => void;
}
