import { ImageError } from '../base/errors';
import { inflate } from '../base/zlib';
import type { DecodedImage } from './decoded-image';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Depths that each colour type may have, and its channels (table 11.1). */
const COLOR_TYPES: Readonly<
  Record<number, { depths: readonly number[]; channels: 1 | 2 | 3 | 4 }>
> = {
  0: { depths: [1, 2, 4, 8, 16], channels: 1 },
  2: { depths: [8, 16], channels: 3 },
  3: { depths: [1, 2, 4, 8], channels: 1 },
  4: { depths: [8, 16], channels: 2 },
  6: { depths: [8, 16], channels: 4 },
};

/** Adam7's passes (section 8.2): first column and row, and the steps between. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly interlaced: boolean;
}

/**
 * The samples of a PNG file as they are stored (W3C PNG specification, third edition): image libraries turn indices into
 * colours, 16 bits into 8 and, where there is a profile, colours into others; canvases multiply colours by alpha. None of
 * that may happen to labels. Grey of 2 and 4 bits comes as levels 0 … 255, as every reader has it, so that a lossless
 * optimiser changes no label; grey of 1 bit comes as 0 and 1, of 16 bits as it is. `null` if it is no PNG.
 *
 * @throws ImageError if it is damaged.
 */
export async function pngSamples(bytes: Uint8Array, origin: string): Promise<DecodedImage | null> {
  const header = readHeader(bytes);
  if (!header) return null;
  const { pixels, colors, transparent } = readChunks(bytes, origin);
  const passes = passesOf(header);
  const packed = passes.reduce((sum, { stride, rows }) => sum + (stride + 1) * rows, 0);
  const filtered = await inflate(pixels, packed);
  if (!filtered) throw new ImageError(`${origin} holds damaged pixel data.`);
  if (filtered.length < packed)
    throw new ImageError(
      `${origin} is truncated: it has ${filtered.length} of ${packed} bytes of pixels.`,
    );
  const samples = unpack(filtered, passes, header);
  const { width, height, channels, colorType, depth } = header;
  const plain = { width, height, channels, data: samples, bits: depth };
  if (colorType === 3) return { ...plain, palette: paletteOf(colors, transparent) };
  return transparent ? withAlpha(plain, transparent) : plain;
}

function readHeader(bytes: Uint8Array): Header | null {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte) || bytes.byteLength < 33) return null;
  const view = viewOf(bytes);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colorType, interlace] = [bytes[24], bytes[25], bytes[28]];
  const type = COLOR_TYPES[colorType];
  // What the specification does not know is left to a decoder that may, or that says what is wrong with it.
  if (!type?.depths.includes(depth) || interlace > 1) return null;
  return { width, height, depth, colorType, channels: type.channels, interlaced: interlace === 1 };
}

function readChunks(bytes: Uint8Array, origin: string) {
  const view = viewOf(bytes);
  const pixels: Uint8Array[] = [];
  let colors = new Uint8Array(0);
  let transparent: Uint8Array | undefined;
  for (let at = 8; at + 8 <= bytes.byteLength;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.byteLength) throw new ImageError(`${origin} is truncated.`);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IDAT') pixels.push(data);
    if (type === 'PLTE') colors = Uint8Array.from(data);
    if (type === 'tRNS') transparent = data;
    if (type === 'IEND') break;
    at += 12 + length;
  }
  return { pixels, colors, transparent };
}

/** One of the pictures that the file holds in turn: the whole, or each pass of an interlaced one. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly columns: number;
  readonly rows: number;
  /** Bytes of a row, without its filter. */
  readonly stride: number;
}

function passesOf({ width, height, depth, channels, interlaced }: Header): Pass[] {
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  return passes
    .map(([left, top, stepX, stepY]) => {
      const columns = Math.max(0, Math.ceil((width - left) / stepX));
      const rows = Math.max(0, Math.ceil((height - top) / stepY));
      const stride = Math.ceil((columns * depth * channels) / 8);
      return { left, top, stepX, stepY, columns, rows, stride };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Filtered rows of all passes → samples in their places. */
function unpack(
  filtered: Uint8Array,
  passes: readonly Pass[],
  { width, height, depth, channels, colorType }: Header,
): Uint8Array | Uint16Array {
  const count = width * height * channels;
  const samples = depth === 16 ? new Uint16Array(count) : new Uint8Array(count);
  const pixelBytes = Math.max(1, (channels * depth) / 8);
  const scale = colorType === 0 && (depth === 2 || depth === 4) ? 255 / ((1 << depth) - 1) : 1;
  const mask = (1 << depth) - 1;
  let start = 0;
  for (const { left, top, stepX, stepY, columns, rows, stride } of passes) {
    for (let y = 0; y < rows; y++) {
      const row = start + y * (stride + 1);
      unfilter(filtered, row, stride, pixelBytes, y > 0 ? row - stride - 1 : -1);
      let to = ((top + y * stepY) * width + left) * channels;
      if (depth === 8 && stepX === 1) {
        samples.set(filtered.subarray(row + 1, row + 1 + stride), to);
        continue;
      }
      for (let x = 0, from = row + 1; x < columns; x++, to += (stepX - 1) * channels) {
        for (let c = 0; c < channels; c++, to++) {
          if (depth === 16) {
            samples[to] = (filtered[from] << 8) | filtered[from + 1];
            from += 2;
          } else if (depth === 8) {
            samples[to] = filtered[from++];
          } else {
            // Less than a byte: these have one channel, the leftmost pixel in the highest bits.
            const bit = x * depth;
            const value = filtered[row + 1 + (bit >> 3)] >> (8 - depth - (bit & 7));
            samples[to] = (value & mask) * scale;
          }
        }
      }
    }
    start += (stride + 1) * rows;
  }
  return samples;
}

/**
 * Undoes a row's filter in place (section 9.2).
 *
 * @param row where its filter stands; its bytes follow.
 * @param above where the filter of the row above stands, or -1 where there is none.
 * @param step bytes from a pixel to the next, at least one.
 */
function unfilter(
  rows: Uint8Array,
  row: number,
  stride: number,
  step: number,
  above: number,
): void {
  const filter = rows[row];
  const end = row + 1 + stride;
  const up = above - row; // what stands above a byte, seen from it
  if (filter === 1) {
    for (let i = row + 1 + step; i < end; i++) rows[i] += rows[i - step];
  } else if (filter === 2) {
    if (above >= 0) for (let i = row + 1; i < end; i++) rows[i] += rows[i + up];
  } else if (filter === 3 || filter === 4) {
    const first = row + 1 + step;
    for (let i = row + 1; i < end; i++) {
      const a = i < first ? 0 : rows[i - step];
      const b = above < 0 ? 0 : rows[i + up];
      if (filter === 3) rows[i] += (a + b) >> 1;
      else rows[i] += paeth(a, b, i < first || above < 0 ? 0 : rows[i - step + up]);
    }
  }
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** `(256, 4)` RGBA; entries past the file's palette are opaque black, as decoders draw them. */
function paletteOf(colors: Uint8Array, alpha: Uint8Array | undefined): Uint8Array {
  const palette = new Uint8Array(256 * 4);
  for (let i = 0; i < 256; i++) {
    for (let c = 0; c < 3; c++) palette[i * 4 + c] = colors[i * 3 + c] ?? 0;
    palette[i * 4 + 3] = alpha?.[i] ?? 255;
  }
  return palette;
}

/** Grey or RGB of which one value is transparent (section 11.3.2.1), with an alpha channel instead. */
function withAlpha(image: DecodedImage, transparent: Uint8Array): DecodedImage {
  const { width, height, channels, data, bits = 8 } = image;
  if (channels === 2 || channels === 4) return image;
  const scale = bits === 2 || bits === 4 ? 255 / ((1 << bits) - 1) : 1;
  const key = Array.from(
    { length: channels },
    (_, c) => ((transparent[c * 2] << 8) | transparent[c * 2 + 1]) * scale,
  );
  const opaque = bits === 16 ? 65535 : 255;
  const count = width * height;
  const result =
    bits === 16 ? new Uint16Array(count * (channels + 1)) : new Uint8Array(count * (channels + 1));
  for (let i = 0, from = 0, to = 0; i < count; i++) {
    let same = true;
    for (let c = 0; c < channels; c++, from++, to++) {
      result[to] = data[from];
      same &&= data[from] === key[c];
    }
    result[to++] = same ? 0 : opaque;
  }
  return { ...image, channels: channels === 1 ? 2 : 4, data: result };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
