import { toFloats } from '../tensors/to-floats';
import { throwIfAborted } from '../base/abort';
import { shorten } from '../base/shorten';
import { ImageError, InvalidInputError } from '../base/errors';
import { decodeFile } from './decode-file';
import { checkPixels, type DecodeLimits, LARGEST_DOWNLOAD } from './decode-limits';
import type { DecodedImage, Orientation } from './decoded-image';
import { imageCodec } from './image-codec';
import { type ImageInput, type ImageSource, isNdArray, isPixels, isTensor } from './image-input';
import { isTyped } from './ranges';

/** Pixels as they were given, before they are taken for a picture or for labels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Grey, grey and alpha, RGB, RGBA. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: ArrayLike<number>;
  /** Whether values are floating-point: as colours they are meant as 0 … 1. */
  readonly fractional: boolean;
  /** Whether the file's compression changed colours (JPEG, lossy WebP, AVIF). */
  readonly lossy: boolean;
  /** Whether values are 8-bit, so that none can be out of range. */
  readonly bytes: boolean;
  /** Whether the data were made here, so that nobody else can change them. */
  readonly owned: boolean;
  /** Whether values came in a list that may hold anything, so that their range says nothing. */
  readonly untyped?: boolean;
  /** `(256, 4)` RGBA: what colours `data` stand for, where they are indices. */
  readonly palette?: Uint8Array;
  /** Bits of a sample in the file, where that matters to what values mean. */
  readonly bits?: number;
  /** EXIF's orientation, where a file has one. */
  readonly orientation?: number;
}

export interface ReadOptions {
  /** Name of the argument, for messages. */
  readonly argument: string;
  readonly purpose: 'image' | 'mask';
  readonly limits: DecodeLimits;
  /** Where strings may lead; what is in memory is always read. @default anywhere */
  readonly sources?: readonly ImageSource[];
  /** Which way up files are read. @default 'upright' */
  readonly orientation?: Orientation;
  /** Leave values of more than 8 bits as they are. @default false */
  readonly asStored?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads any {@link ImageInput} to pixels.
 *
 * @throws InvalidInputError if it is nothing of the kind, ImageError if it cannot be decoded.
 */
export async function readPixels(input: ImageInput, options: ReadOptions): Promise<Pixels> {
  const { argument, limits, signal } = options;
  throwIfAborted(signal);
  if (typeof input === 'string' || input instanceof URL) {
    const location = String(input);
    if (location === '') throw new InvalidInputError(argument, 'is an empty path.');
    if (/^(data|blob):/i.test(location)) {
      // What the string holds, or stands for, is in memory already.
      return decode(await inMemory(location, options), options, shorten(location));
    }
    checkSource(options, /^https?:/i.test(location) ? 'urls' : 'files');
    return decode(await imageCodec.read(location, signal), options, shorten(location));
  }
  // By name, because a test runner's or another window's classes are not this one's.
  const kind = Object.prototype.toString.call(input).slice('[object '.length, -1);
  if (kind === 'Uint8Array') return decode(asBytes(input as Uint8Array), options, argument);
  if (kind === 'ArrayBuffer') {
    return decode(new Uint8Array(input as ArrayBuffer), options, argument);
  }
  if (kind === 'Response') {
    return decode(await bodyOf(input as Response, options), options, argument);
  }
  if (typeof Blob !== 'undefined' && input instanceof Blob) {
    return decode(new Uint8Array(await input.arrayBuffer()), options, argument);
  }
  if (typeof input !== 'object' || input === null) {
    throw new InvalidInputError(
      argument,
      `must be a path, bytes, pixels, an ndarray or a tensor, is ${input === null ? 'null' : typeof input}.`,
    );
  }
  if (isNdArray(input)) {
    const fractional = input.dtype.startsWith('float');
    const floats = toFloats(input);
    const data = input.data instanceof Uint16Array ? Uint16Array.from(floats) : floats;
    return shaped([...input.shape], data, fractional, options, !isTyped(input.data));
  }
  if (isTensor(input)) {
    return shaped(input.shape, await input.data(), input.dtype === 'float32', options);
  }
  const drawn = imageCodec.draw(input);
  if (drawn) {
    const image = await drawn;
    return { ...image, fractional: false, lossy: false, ...origin(image.data, true) };
  }
  if (isPixels(input)) {
    const { width, height } = input;
    const given = input.data;
    const fractional = given instanceof Float32Array || given instanceof Float64Array;
    const plain = Array.isArray(given) || typeof given[0] === 'bigint';
    const data = plain
      ? Float64Array.from(given as ArrayLike<number>, Number)
      : (given as ArrayLike<number>);
    checkSize(width, height, argument, limits);
    const channels = data.length / (width * height);
    if (channels !== 1 && channels !== 3 && channels !== 4) {
      throw new InvalidInputError(
        argument,
        `${width} x ${height} pixels need ${width * height} values per channel with 1, 3 or 4 channels, but there are ${data.length}.`,
      );
    }
    const untyped = !isTyped(given);
    return {
      ...{ width, height, channels, data, fractional, untyped },
      ...{ lossy: false, ...origin(data, false) },
    };
  }
  throw new InvalidInputError(
    argument,
    ArrayBuffer.isView(input)
      ? `is a ${kind} without a width and height; give { data, width, height }, or the bytes of a file as Uint8Array.`
      : kind === 'Promise'
        ? 'is a Promise; await it first.'
        : 'must be a path, bytes, pixels, an ndarray or a tensor; this object is none of them.',
  );
}

/** Bytes as this realm's own class. */
function asBytes(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Uint8Array
    ? bytes
    : new Uint8Array(
        (bytes as Uint8Array).buffer,
        (bytes as Uint8Array).byteOffset,
        (bytes as Uint8Array).byteLength,
      );
}

/** What a `data:` or `blob:` URL holds. @throws ImageError if that cannot be read. */
async function inMemory(url: string, { argument, signal }: ReadOptions): Promise<Uint8Array> {
  try {
    return new Uint8Array(await (await fetch(url, { signal })).arrayBuffer());
  } catch (cause) {
    throwIfAborted(signal);
    throw new ImageError(`${argument}: ${shorten(url)} cannot be read; is it whole?`, { cause });
  }
}

/** @throws ImageError for an answer that is no file, or that was read already. */
async function bodyOf(response: Response, { argument, signal }: ReadOptions): Promise<Uint8Array> {
  if (!response.ok)
    throw new ImageError(
      `${argument} is a Response with the status ${response.status} ${response.statusText}`.trimEnd() +
        '; fetch one that is ok.',
    );
  if (response.bodyUsed)
    throw new ImageError(`${argument} is a Response whose body was read already; pass its bytes.`);
  const { readBody } = await import('../base/read-body');
  const fail = (what: string, cause?: unknown) => new ImageError(`${argument} ${what}.`, { cause });
  return readBody(response, { most: LARGEST_DOWNLOAD, signal, fail });
}

/** @throws InvalidInputError if strings that lead there are not to be followed. */
export function checkSource(
  { argument, sources }: Pick<ReadOptions, 'argument' | 'sources'>,
  source: 'files' | 'urls',
): void {
  if (sources && !sources.includes(source)) {
    throw new InvalidInputError(
      argument,
      `is ${source === 'files' ? 'a path' : 'a URL'}, and the option sources allows ${sources.join(' and ') || 'memory'} alone.`,
    );
  }
}

/** What is known of values by where they come from. */
function origin(data: ArrayLike<number>, owned: boolean) {
  return { bytes: data instanceof Uint8Array || data instanceof Uint8ClampedArray, owned };
}

async function decode(
  bytes: Uint8Array,
  { purpose, limits, orientation = 'upright', asStored }: ReadOptions,
  name: string,
): Promise<Pixels> {
  const request = { purpose, orientation, asStored };
  const image: DecodedImage = await decodeFile(bytes, request, limits, name);
  const fractional = image.data instanceof Float32Array;
  return { ...image, fractional, lossy: isLossy(bytes), ...origin(image.data, true) };
}

/** Whether an encoded file's format may have changed its colours, by its first bytes. */
function isLossy(bytes: Uint8Array): boolean {
  const text = ascii(bytes, 0, 16);
  return (
    text.startsWith('\xff\xd8') ||
    (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP' && isLossyWebp(bytes)) ||
    text.slice(4, 12) === 'ftypavif'
  );
}

/** Whether the first picture in a WebP file is a VP8 one; lossless ones are VP8L (RFC 9649, section 2). */
function isLossyWebp(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length;) {
    const chunk = ascii(bytes, at, 4);
    if (chunk === 'VP8 ') return true;
    if (chunk === 'VP8L') return false;
    const length = view.getUint32(at + 4, true);
    // A frame of an animation holds chunks of its own after 16 bytes; others are skipped, padded to even lengths.
    at += 8 + (chunk === 'ANMF' ? 16 : length + (length % 2));
  }
  return false;
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function shaped(
  shape: readonly number[],
  data: ArrayLike<number>,
  fractional: boolean,
  { argument, limits }: ReadOptions,
  untyped = false,
): Pixels {
  const [height, width, channels = 1] = shape;
  const sound =
    (shape.length === 2 || shape.length === 3) &&
    (channels === 1 || channels === 3 || channels === 4);
  if (!sound) {
    throw new InvalidInputError(
      argument,
      `must have shape (H, W) or (H, W, 1, 3 or 4), has (${shape.join(', ')}).`,
    );
  }
  checkSize(width, height, argument, limits);
  return {
    ...{ width, height, channels, data, fractional, untyped },
    ...{ lossy: false, ...origin(data, false) },
  };
}

/** @throws ImageError for a size that is none, or of more pixels than the limit. */
export function checkSize(
  width: number,
  height: number,
  argument: string,
  limits: DecodeLimits,
): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width <= 0 || height <= 0) {
    throw new ImageError(`${argument} has no pixels: its size is ${width} x ${height}.`);
  }
  checkPixels({ width, height }, limits, argument);
}

/** What messages call an input: where it is, or the argument that it was given as. */
export function inputName(input: ImageInput, argument: string): string {
  return typeof input === 'string' || input instanceof URL ? shorten(String(input)) : argument;
}
