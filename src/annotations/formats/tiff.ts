import { ImageError } from '../../base/errors';
import { inflate } from '../../base/zlib';

/** Values of a TIFF's first page, whatever their type. */
export interface TiffValues {
  readonly width: number;
  readonly height: number;
  /** `(height, width)` row-major. */
  readonly data: Float64Array;
}

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  offsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  lengths: 279,
  predictor: 317,
  tileWidth: 322,
  format: 339,
} as const;

/** Bytes of a value by the type of a field: BYTE, ASCII, SHORT, LONG, …, LONG8. */
const FIELD_BYTES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 16: 8 };

/**
 * Reads the first page of a TIFF file of one channel (Adobe, "TIFF Revision 6.0", and BigTIFF): 8, 16, 32 or 64 bits, whole
 * numbers with and without sign or floating-point ones, either byte order, in strips, plain or deflated (napari), with or without a
 * horizontal predictor. That is what labelling tools write; decoders of pictures squeeze such values into 8 bits.
 *
 * @throws ImageError for other kinds, and for a file that is cut short.
 */
export async function readTiff(bytes: Uint8Array, file: string): Promise<TiffValues> {
  const fail = (detail: string): never => {
    throw new ImageError(`${file} ${detail}`);
  };
  try {
    return await firstPage(bytes, fail);
  } catch (error) {
    if (error instanceof RangeError) fail('is truncated: it ends before what it tells of.');
    throw error;
  }
}

async function firstPage(bytes: Uint8Array, fail: (detail: string) => never): Promise<TiffValues> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = bytes.byteLength < 8 ? '' : String.fromCharCode(bytes[0], bytes[1]);
  const little = order === 'II';
  if (!little && order !== 'MM') fail('is no TIFF file.');
  const version = view.getUint16(2, little);
  if (version !== 42 && version !== 43) fail('is no TIFF file.');
  const big = version === 43;
  const unsigned = (at: number, size: number): number =>
    size === 1
      ? view.getUint8(at)
      : size === 2
        ? view.getUint16(at, little)
        : size === 4
          ? view.getUint32(at, little)
          : Number(view.getBigUint64(at, little));
  const directory = big ? unsigned(8, 8) : unsigned(4, 4);
  const [counted, entry, wide] = big ? [8, 20, 8] : [2, 12, 4];
  const fields = new Map<number, number[]>();
  for (let i = 0; i < unsigned(directory, counted); i++) {
    const at = directory + counted + i * entry;
    const [tag, type, count] = [unsigned(at, 2), unsigned(at + 2, 2), unsigned(at + 4, wide)];
    const size = FIELD_BYTES[type];
    if (!size || type === 2) continue; // texts and fractions: none of the fields below
    const place = at + 4 + wide;
    const from = size * count <= wide ? place : unsigned(place, wide);
    if (from + size * count > bytes.byteLength)
      fail('is truncated: it ends before what it tells of.');
    fields.set(
      tag,
      Array.from({ length: count }, (_, n) => unsigned(from + n * size, size)),
    );
  }
  const field = (tag: number, otherwise: number) => fields.get(tag)?.[0] ?? otherwise;
  const [width, height] = [field(TAG.width, 0), field(TAG.height, 0)];
  const [bits, format] = [field(TAG.bits, 1), field(TAG.format, 1)];
  const compression = field(TAG.compression, 1);
  if (width === 0 || height === 0) fail('has no pixels.');
  if (field(TAG.samples, 1) !== 1 || field(TAG.photometric, 1) === 3)
    fail('has colours; a label TIFF has one channel of numbers.');
  if (fields.has(TAG.tileWidth)) fail('is in tiles, which are not read; save it in strips.');
  if (![8, 16, 32, 64].includes(bits) || (format === 3 && bits < 32))
    fail(`has values of ${bits} bits; 8, 16, 32 and 64 are read.`);
  if (![1, 8, 32946].includes(compression))
    fail(`is compressed by the method ${compression}; plain and deflated files are read.`);
  const [offsets, lengths] = [fields.get(TAG.offsets), fields.get(TAG.lengths)];
  if (!offsets || !lengths) fail('has no strips.');
  const predictor = field(TAG.predictor, 1);
  if (predictor > 2 || (predictor === 2 && format === 3))
    fail('has a predictor for floating-point values, which is not read.');

  const data = new Float64Array(width * height);
  const rows = Math.min(height, field(TAG.rowsPerStrip, height));
  const size = bits / 8;
  for (const [strip, offset] of offsets.entries()) {
    const top = strip * rows;
    if (top >= height) break;
    const count = Math.min(rows, height - top) * width;
    const stored = bytes.subarray(offset, offset + lengths[strip]);
    const plain = compression === 1 ? stored : await inflate([stored], count * size);
    if (!plain || plain.byteLength < count * size)
      fail('is truncated: a strip has too few values.');
    const values = valuesOf(plain, count, bits, format, little);
    if (predictor === 2) undoDifferences(values, width, bits, format === 2);
    data.set(values, top * width);
  }
  if (offsets.length * rows < height) fail('is truncated: strips are missing.');
  return { width, height, data };
}

function valuesOf(
  bytes: Uint8Array,
  count: number,
  bits: number,
  format: number,
  little: boolean,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bits / 8;
  const kind = format === 3 ? 'Float' : format === 2 ? 'Int' : 'Uint';
  const get = (at: number): number => {
    if (kind === 'Float')
      return size === 4 ? view.getFloat32(at, little) : view.getFloat64(at, little);
    if (size === 8) return Number(view[`getBig${kind}64`](at, little));
    return view[`get${kind}${bits as 8 | 16 | 32}`](at, little);
  };
  return Float64Array.from({ length: count }, (_, i) => get(i * size));
}

/** Predictor 2: each value is the difference to its left neighbour, in the arithmetic of its type. */
function undoDifferences(values: Float64Array, width: number, bits: number, signed: boolean): void {
  const span = 2 ** bits;
  const top = signed ? span / 2 : span;
  for (let i = 0; i < values.length; i++) {
    if (i % width === 0) continue;
    const sum = (((values[i] + values[i - 1]) % span) + span) % span;
    values[i] = sum >= top ? sum - span : sum;
  }
}
