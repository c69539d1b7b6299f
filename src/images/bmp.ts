import { ImageError } from '../base/errors';
import { checkPixels, type DecodeLimits } from './decode-limits';
import type { DecodedImage } from './decoded-image';

/** How the pixels of a file are packed (`biCompression`). */
const PLAIN = 0;
const BIT_FIELDS = 3;
const ALPHA_BIT_FIELDS = 6;

/**
 * Decodes a Windows bitmap without run-lengths, which sharp does not read: 1, 4 and 8 bits with a palette, 16, 24 and 32
 * bits of colour, rows bottom-up or top-down (Microsoft's BITMAPFILEHEADER, BITMAPINFOHEADER and BITMAPV5HEADER).
 *
 * @throws ImageError if it is truncated, of another kind, or larger than the limits.
 */
export function decodeBmp(bytes: Uint8Array, limits: DecodeLimits, origin: string): DecodedImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerSize = view.getUint32(14, true);
  const old = headerSize === 12; // OS/2's: sizes of 16 bits, palette entries of 3 bytes
  if (bytes.byteLength < 14 + headerSize || (!old && headerSize < 40))
    throw new ImageError(`${origin} is truncated, or no BMP that can be read.`);
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signed);
  const depth = view.getUint16(old ? 24 : 28, true);
  const compression = old ? PLAIN : view.getUint32(30, true);
  if (width <= 0 || height === 0) throw new ImageError(`${origin} has no pixels.`);
  checkPixels({ width, height }, limits, origin);
  const fields = [BIT_FIELDS, ALPHA_BIT_FIELDS].includes(compression) && depth > 8;
  if (![1, 4, 8, 16, 24, 32].includes(depth) || (compression !== PLAIN && !fields))
    throw new ImageError(
      `${origin} is a BMP of ${depth} bits with the compression ${compression}, which is not read; save it without compression, or as PNG.`,
    );
  const start = view.getUint32(10, true);
  const stride = Math.ceil((width * depth) / 32) * 4;
  if (start + stride * height > bytes.byteLength) throw new ImageError(`${origin} is truncated.`);
  const rowAt = (y: number) => start + stride * (signed < 0 ? y : height - 1 - y);
  const size = { width, height, rowAt };
  if (depth <= 8) {
    const entries = Math.min(256, (!old && view.getUint32(46, true)) || 1 << depth);
    const palette = readPalette(bytes, 14 + headerSize, entries, old ? 3 : 4);
    return { width, height, channels: 1, bits: depth, palette, data: indices(bytes, depth, size) };
  }
  if (depth === 24) return { width, height, channels: 3, data: colors24(bytes, size) };
  const masks = fields
    ? [54, 58, 62, headerSize >= 56 || compression === ALPHA_BIT_FIELDS ? 66 : -1].map((at) =>
        at < 0 ? 0 : view.getUint32(at, true),
      )
    : depth === 16
      ? [0x7c00, 0x03e0, 0x001f, 0]
      : [0xff0000, 0xff00, 0xff, 0]; // the fourth byte means nothing here, and is 0 in most files
  return { width, height, channels: 4, data: packedColors(view, depth / 8, masks, size) };
}

interface Rows {
  readonly width: number;
  readonly height: number;
  readonly rowAt: (y: number) => number;
}

/** `(256, 4)` RGBA out of blue, green, red. */
function readPalette(bytes: Uint8Array, from: number, entries: number, step: number): Uint8Array {
  const palette = new Uint8Array(256 * 4);
  for (let i = 0; i < 256; i++) {
    for (let c = 0; c < 3; c++)
      palette[i * 4 + c] = i < entries ? (bytes[from + i * step + 2 - c] ?? 0) : 0;
    palette[i * 4 + 3] = 255;
  }
  return palette;
}

function indices(bytes: Uint8Array, depth: number, { width, height, rowAt }: Rows): Uint8Array {
  const data = new Uint8Array(width * height);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    const row = rowAt(y);
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      data[y * width + x] = (bytes[row + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return data;
}

function colors24(bytes: Uint8Array, { width, height, rowAt }: Rows): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = rowAt(y); x < width; x++, from += 3, to += 3) {
      data[to] = bytes[from + 2];
      data[to + 1] = bytes[from + 1];
      data[to + 2] = bytes[from];
    }
  }
  return data;
}

/** Channels that masks pick out of 16 or 32 bits; opaque where there is no mask for alpha. */
function packedColors(
  view: DataView,
  step: number,
  masks: readonly number[],
  { width, height, rowAt }: Rows,
): Uint8Array {
  const data = new Uint8Array(width * height * 4);
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, most: mask >>> shift };
  });
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = rowAt(y); x < width; x++, from += step) {
      const value = step === 2 ? view.getUint16(from, true) : view.getUint32(from, true);
      for (const { mask, shift, most } of channels)
        data[to++] = most === 0 ? 255 : Math.round((((value & mask) >>> shift) * 255) / most);
    }
  }
  return data;
}
