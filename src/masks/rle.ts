import { InvalidInputError } from '../base/errors';

/**
 * Run-length encoding as COCO has it (pycocotools, `maskApi.c`): runs of 0 and 1 in turn, starting with
 * 0, in column-major order.
 */
export interface Rle {
  /** `[height, width]` */
  readonly size: [number, number];
  /** Lengths of runs, column by column from the top left; the first is of background. */
  readonly counts: number[];
}

/** The same with its counts in COCO's compressed string form. */
export interface CompressedRle {
  /** Height, then width. */
  readonly size: [number, number];
  /** Run lengths in COCO's compressed text. */
  readonly counts: string;
}

/** Pixels of a mask: 32768 to a side, ten times the largest picture that is read by default. */
const MOST_PIXELS = 2 ** 30;

/** Encodes a binary mask, `(height, width)` row-major, non-zero inside. */
export function encodeRle(mask: ArrayLike<number>, height: number, width: number): Rle {
  const counts: number[] = [];
  let run = 0;
  let inside = false;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if ((mask[y * width + x] !== 0) === inside) {
        run++;
      } else {
        counts.push(run);
        inside = !inside;
        run = 1;
      }
    }
  }
  counts.push(run);
  return { size: [height, width], counts };
}

/**
 * Decodes to `(height, width)` row-major, 0 and 1.
 *
 * @throws InvalidInputError if the runs do not fill the mask.
 */
export function decodeRle(rle: Rle | CompressedRle): Uint8Array {
  const counts = checkRle(rle);
  const [height, width] = rle.size;
  const mask = new Uint8Array(height * width);
  let at = 0;
  counts.forEach((run, i) => {
    if (i % 2 === 1)
      for (let j = at; j < at + run; j++) mask[(j % height) * width + Math.floor(j / height)] = 1;
    at += run;
  });
  return mask;
}

/**
 * Looks whether runs fill their mask, without making it.
 *
 * @returns the runs.
 * @throws InvalidInputError if they do not, or their string is damaged.
 */
export function checkRle(rle: Rle | CompressedRle): number[] {
  const { size, counts: given } = (rle ?? {}) as Partial<Rle | CompressedRle>;
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) >= 0;
  const isText = typeof given === 'string';
  if (!Array.isArray(size) || size.length !== 2 || !size.every(isSide))
    throw new InvalidInputError('rle', 'must have a size of [height, width] in pixels.');
  if (!isText && !Array.isArray(given))
    throw new InvalidInputError('rle', 'must have counts, a list of runs or text as COCO has it.');
  const [height, width] = size;
  if (height * width > MOST_PIXELS)
    throw new InvalidInputError('rle', `has ${height} x ${width} pixels, more than any picture.`);
  const counts = isText ? decompressCounts(given) : given;
  if (!counts.every((run) => Number.isInteger(run) && run >= 0))
    throw new InvalidInputError('rle', 'has runs that are no whole numbers of 0 or more.');
  const total = counts.reduce((a, b) => a + b, 0);
  if (total !== height * width) {
    throw new InvalidInputError(
      'rle',
      `its runs cover ${total} pixels, but the mask of ${height} x ${width} has ${height * width}.`,
    );
  }
  return counts;
}

/** COCO's string form: differences to the run two before, in base 32 with a continuation bit, from '0' on. */
export function compressRle({ size, counts }: Rle): CompressedRle {
  let text = '';
  counts.forEach((count, i) => {
    let value = i > 2 ? count - counts[i - 2] : count;
    for (let more = true; more;) {
      let digit = value & 31;
      value >>= 5;
      more = digit & 16 ? value !== -1 : value !== 0;
      if (more) digit |= 32;
      text += String.fromCharCode(digit + 48);
    }
  });
  return { size, counts: text };
}

/** @throws InvalidInputError if the string is cut short or holds other characters. */
export function decompressRle({ size, counts }: CompressedRle): Rle {
  return { size, counts: decompressCounts(counts) };
}

function decompressCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let value = 0;
    for (let shift = 0, more = true; more; shift += 5) {
      const digit = text.charCodeAt(at++) - 48;
      if (!(digit >= 0 && digit < 64) || shift > 30) {
        throw new InvalidInputError('rle', `its counts are damaged at character ${at - 1}.`);
      }
      value |= (digit & 31) << shift;
      more = (digit & 32) !== 0;
      if (!more && digit & 16 && shift < 27) value |= -1 << (shift + 5);
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}
