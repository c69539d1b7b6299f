import { ImageError } from '../base/errors';
import type { RawImage } from './raw-image';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * The indices of a palette PNG (W3C PNG specification, third edition, sections 7 and 9), which image
 * libraries turn into colours. `null` if it is no palette PNG, or an interlaced one, whose colours then
 * serve as labels.
 *
 * @throws ImageError if it is damaged.
 */
export async function indexedPng(bytes: Uint8Array, origin: string): Promise<RawImage | null> {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte) || bytes.byteLength < 33) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colorType, interlace] = [bytes[24], bytes[25], bytes[28]];
  if (colorType !== 3 || interlace !== 0) return null;

  const parts: Uint8Array[] = [];
  for (let at = 8; at + 8 <= bytes.byteLength;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.byteLength) throw new ImageError(`${origin} is truncated.`);
    if (type === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length));
    if (type === 'IEND') break;
    at += 12 + length;
  }
  const stride = Math.ceil((width * depth) / 8);
  const rows = await inflate(parts, (stride + 1) * height, origin);
  unfilter(rows, stride, height);
  const data = new Uint8Array(width * height);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    const row = y * (stride + 1) + 1;
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      data[y * width + x] = (rows[row + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return { width, height, channels: 1, data };
}

/** Inflates a zlib stream of a known size with the platform's own decompressor. */
async function inflate(
  parts: readonly Uint8Array[],
  size: number,
  origin: string,
): Promise<Uint8Array> {
  const result = new Uint8Array(size);
  let filled = 0;
  try {
    const stream = new Blob([...parts] as BlobPart[])
      .stream()
      .pipeThrough(new DecompressionStream('deflate'));
    const reader = stream.getReader();
    while (filled < size) {
      const { done, value } = await reader.read();
      if (done) break;
      result.set(value.subarray(0, size - filled), filled);
      filled += value.byteLength;
    }
    await reader.cancel();
  } catch (cause) {
    throw new ImageError(`${origin} holds damaged pixel data.`, { cause });
  }
  if (filled < size)
    throw new ImageError(`${origin} is truncated: it has ${filled} of ${size} bytes of pixels.`);
  return result;
}

/** Undoes the filter of each row in place (section 9.2); palette pixels are at most one byte. */
function unfilter(rows: Uint8Array, stride: number, height: number): void {
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1);
    const above = at - stride - 1;
    const filter = rows[at];
    for (let i = 1; i <= stride; i++) {
      const left = i > 1 ? rows[at + i - 1] : 0;
      const up = y > 0 ? rows[above + i] : 0;
      const corner = y > 0 && i > 1 ? rows[above + i - 1] : 0;
      rows[at + i] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
    }
  }
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
