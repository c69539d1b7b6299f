import type { Metadata, Sharp } from 'sharp';
import { ImageError } from '../../base/errors';
import { checkPixels, type DecodeLimits } from '../../images/decode-limits';
import type { DecodedImage, DecodeRequest, Samples } from '../../images/decoded-image';
import { spansItsType } from '../../images/ranges';

/** Formats that are read, for people whose file is of another. */
const FORMATS = 'PNG, JPEG, WebP, AVIF, TIFF, GIF and BMP';
/** Their names in sharp. A library of one's own may know more: documents, and formats that name other files. */
const READABLE = ['png', 'jpeg', 'webp', 'heif', 'tiff', 'gif', 'jxl', 'jp2'];

/**
 * Decodes an image file in Node (sharp: JPEG, WebP, AVIF, TIFF, GIF, …); of an animation the first frame is taken. In a
 * picture CMYK and wide gamuts become sRGB, and 16 bits that span their type 8; other values of more than 8 bits come as
 * they are. In a mask there is no colour management, and grey values come as they are.
 *
 * @throws ImageError if it is not an image, is truncated, empty or larger than the limit.
 */
export async function decodeInNode(
  bytes: Uint8Array,
  { purpose, orientation, asStored }: DecodeRequest,
  limits: DecodeLimits,
  origin: string,
): Promise<DecodedImage> {
  if (!limits.svg && isPacked(bytes))
    throw new ImageError(
      `${origin} is packed by gzip, as SVG drawings may be; read are ${FORMATS}, and SVG with the option svg: true.`,
    );
  if (!limits.svg && isSvg(bytes)) throw svgRefused(origin);
  const { default: sharp } = await import('sharp');
  try {
    const options = { limitInputPixels: false, failOn: 'truncated', sequentialRead: true } as const;
    const metadata = await sharp(bytes, options).metadata();
    const { format = '' } = metadata as { format?: string };
    if (format === 'svg' && !limits.svg) throw svgRefused(origin);
    if (format !== 'svg' && !READABLE.includes(format))
      throw new ImageError(`${origin} is of the format ${format}; read are ${FORMATS}.`);
    const [width, height] = [metadata.width ?? 0, metadata.pageHeight ?? metadata.height ?? 0];
    if (width === 0 || height === 0) throw new ImageError(`${origin} has no pixels.`);
    checkPixels({ width, height }, limits, origin);
    const open = (more: object = {}) => {
      const picture = sharp(bytes, { ...options, ...more });
      return orientation === 'stored' ? picture : picture.autoOrient();
    };
    if (purpose === 'mask') {
      return await (isGrey(metadata)
        ? storedValues(open({ ignoreIcc: true }), metadata)
        : bytesOf(open({ ignoreIcc: true }).toColourspace('srgb').ensureAlpha()));
    }
    if (isDeep(metadata) && (isGrey(metadata) || metadata.space === 'rgb16')) {
      const values = await storedValues(open({ ignoreIcc: true }), metadata);
      if (asStored || !spansItsType(values.data)) return values;
    }
    return await bytesOf(open().toColourspace('srgb'));
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError(
      `${origin} cannot be decoded as an image: ${explain(String((cause as Error).message))}`,
      { cause },
    );
  }
}

/** Whether bytes are packed by gzip: the decoder would unpack a drawing by itself. */
const isPacked = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Whether bytes may be an SVG drawing: told before any of it is read as one. */
function isSvg(bytes: Uint8Array): boolean {
  return /^\s*(\ufeff|\xef\xbb\xbf)?\s*<(\?xml|!|svg)/i.test(latin(bytes.subarray(0, 256)));
}

const latin = (bytes: Uint8Array) => String.fromCharCode(...bytes);

function svgRefused(origin: string): ImageError {
  return new ImageError(
    `${origin} is an SVG drawing, which is drawn only with the option svg: true, as drawings of strangers can ask for hours of work; or save it as PNG.`,
  );
}

const isGrey = ({ space, channels = 1 }: Metadata) =>
  (space === 'b-w' || space === 'grey16') && channels <= 2;

const isDeep = ({ depth = 'uchar' }: Metadata) => depth !== 'uchar' && depth !== 'char';

/** Values in the file's own type. */
async function storedValues(
  picture: Sharp,
  { space, depth = 'uchar' }: Metadata,
): Promise<DecodedImage> {
  // sharp clips the negative values of 16 signed bits, so these are lifted above 0 and let down again.
  const lift = depth === 'short' ? 32768 : 0;
  const plain = picture.pipelineColourspace(space).toColourspace(space);
  const lifted = lift ? plain.linear(1, lift) : plain;
  const kind = depth === 'uchar' || depth === 'ushort' ? depth : 'float';
  const { data, info } = await lifted.raw({ depth: kind }).toBuffer({ resolveWithObject: true });
  const { buffer, byteOffset, byteLength } = data;
  const own = buffer.slice(byteOffset, byteOffset + byteLength); // typed arrays want aligned bytes
  const values =
    kind === 'uchar'
      ? new Uint8Array(own)
      : kind === 'ushort'
        ? new Uint16Array(own)
        : inType(new Float32Array(own), depth, lift);
  return {
    width: info.width,
    height: info.height,
    channels: info.channels,
    data: values,
  };
}

/** Whole numbers as such: a float type would make them look like shares of 1. */
function inType(values: Float32Array, depth: string, lift: number): Samples {
  if (depth === 'short') return Int16Array.from(values, (value) => value - lift);
  if (depth === 'int' || depth === 'char') return Int32Array.from(values);
  if (depth === 'uint') return Uint32Array.from(values);
  return values;
}

async function bytesOf(picture: Sharp): Promise<DecodedImage> {
  const { data, info } = await picture
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  // A test runner's realm has arrays of its own; a view of Node's memory is one of them.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const channels = info.channels as 1 | 3 | 4;
  return { width: info.width, height: info.height, channels, data: bytes };
}

/** What the decoder's lines of complaint come to: the last tells the cause, the ones before where reading stopped. */
function explain(message: string): string {
  if (message.includes('unsupported image format'))
    return `it is of no format that is read (${FORMATS}).`;
  const lines = message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^source: bad seek/.test(line));
  return [...new Set(lines)].slice(-2).join('; ') || message;
}
