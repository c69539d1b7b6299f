/** Values of pixels as a file or an array holds them. */
export type Samples =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/**
 * What a file holds, row-major, top row first, before it is taken for a picture or for labels.
 *
 * - 1 channel: grey, or the indices of a palette
 * - 2 channels: grey and alpha
 * - 3 channels: RGB
 * - 4 channels: RGBA, not premultiplied
 */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** `height * width * channels` values. */
  readonly data: Samples;
  /** `(entries, 4)` RGBA: the colours that indices stand for, where `data` are such. */
  readonly palette?: Uint8Array;
  /** Bits of a sample in the file, where that matters to what values mean. */
  readonly bits?: number;
  /** EXIF's orientation, 1 … 8: how the stored pixels have to be turned to be upright. */
  readonly orientation?: number;
}

/** How a file is to be decoded. */
export interface DecodeRequest {
  /** Pictures are brought to sRGB; masks come as they are stored, with no colour management. */
  readonly purpose: 'image' | 'mask';
  /** Turn by EXIF, or leave pixels as they are stored. */
  readonly orientation: Orientation;
  /** Leave the values of a picture of more than 8 bits as they are, since a window is laid on them. @default false */
  readonly asStored?: boolean;
}

export const orientations: readonly Orientation[] = ['upright', 'stored'];
/** Which way up pictures are: `upright` as EXIF has them turned, or as their pixels are `stored`. */
export type Orientation = 'upright' | 'stored';
