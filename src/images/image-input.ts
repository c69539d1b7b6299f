import type { NdArray } from 'ndarray';
import type { BrowserClass } from '../base/browser-class';
import type { RawImage } from './raw-image';

/**
 * Where pictures may come from: files by path, URLs, and what is in memory already (bytes, pixels, tensors, canvases),
 * which is always read.
 */
export type ImageSource = 'files' | 'urls' | 'memory';

/** The part of a `tf.Tensor` that is needed to read one. */
export interface TensorLike {
  /** (H, W) or (H, W, channels). */
  readonly shape: readonly number[];
  /** `float32` for values 0 … 1, others for 0 … 255. */
  readonly dtype: string;
  /** Reads the values back, row-major. */
  data(): Promise<ArrayLike<number>>;
}

/** Raw pixels; the number of channels (1, 3 or 4) follows from the length. */
export interface PixelsLike {
  /** Row-major values, channels innermost: integers 0 … 255, floats 0 … 1, or labels of a mask. */
  readonly data: ArrayLike<number> | ArrayLike<boolean> | ArrayLike<bigint>;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/**
 * Anything that can be read as an image:
 *
 * - a file path (Node) or URL, `data:` and `blob:` URLs included, or an encoded file: its bytes (`Uint8Array`, `Buffer`,
 *   `ArrayBuffer`), a `Blob`, or a `Response` that was fetched
 * - raw grey, RGB or RGBA pixels, `ImageData` included
 * - an ndarray or tensor of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): integers are 0 … 255,
 *   floating-point values 0 … 1, as TF.js has it (but in a mask of one channel values are labels, whatever their type)
 * - in browsers an `<img>`, `<video>`, canvas, `ImageBitmap` or `VideoFrame`
 */
export type ImageInput =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | BrowserClass<'Response'>
  | PixelsLike
  | RawImage
  | NdArray
  | TensorLike
  | BrowserPicture;

/** What a browser can draw on a canvas. */
export type BrowserPicture =
  | BrowserClass<'HTMLImageElement'>
  | BrowserClass<'HTMLVideoElement'>
  | BrowserClass<'HTMLCanvasElement'>
  | BrowserClass<'OffscreenCanvas'>
  | BrowserClass<'ImageBitmap'>
  | BrowserClass<'VideoFrame'>;

export function isNdArray(value: object): value is NdArray {
  return 'stride' in value && 'shape' in value && 'get' in value;
}

export function isTensor(value: object): value is TensorLike {
  return 'shape' in value && 'dtype' in value && typeof (value as TensorLike).data === 'function';
}

export function isPixels(value: object): value is PixelsLike {
  const { data, width, height } = value as Partial<PixelsLike>;
  return (
    typeof data === 'object' &&
    data !== null &&
    typeof width === 'number' &&
    typeof height === 'number'
  );
}
