import { InvalidInputError } from '../../base/errors';

/** Widths that label-studio-converter writes: most runs of a mask are long, and a row takes 8 or 16 bits. */
const WIDTHS = [3, 4, 8, 16];
const LONGEST = 1 << 16;

/**
 * Label Studio's brush format: the RGBA bytes of a picture, packed by the rle-pack algorithm (thi.ng/umbrella `rle-pack`;
 * label-studio-converter `brush.py`). Big-endian bits: 32 for the number of values, 5 for the bits of a value minus 1, four
 * times 4 for the bits of a length minus 1; then for each chunk one bit that tells runs from values as they are, two bits for
 * which of the four widths its length has, the length minus 1, and the value or values.
 *
 * @param packed bytes 0 … 255, as JSON lists them.
 * @returns the picture's alpha, `(height, width)` row-major, 1 where it is not 0.
 * @throws InvalidInputError if the bytes end early, or are not a picture of that size.
 */
export function decodeBrush(
  packed: ArrayLike<number>,
  width: number,
  height: number,
  file = 'rle',
): Uint8Array {
  let at = 0;
  const read = (bits: number): number => {
    if (at + bits > packed.length * 8)
      throw new InvalidInputError(file, 'ends early: its brush run-lengths are cut short.');
    let value = 0;
    for (let left = bits; left > 0;) {
      const take = Math.min(left, 8 - (at & 7));
      const chunk = (packed[at >> 3] >> (8 - (at & 7) - take)) & ((1 << take) - 1);
      value = value * 2 ** take + chunk; // shifts would lose the 32nd bit
      at += take;
      left -= take;
    }
    return value;
  };
  const count = read(32);
  if (count !== width * height * 4)
    throw new InvalidInputError(
      file,
      `holds ${count} brush values, but ${width} x ${height} RGBA pixels are ${width * height * 4}.`,
    );
  const wordSize = read(5) + 1;
  const widths = [read(4) + 1, read(4) + 1, read(4) + 1, read(4) + 1];
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < count;) {
    const isRun = read(1);
    const end = i + 1 + read(widths[read(2)]);
    if (end > count)
      throw new InvalidInputError(file, 'is damaged: a brush run goes beyond the picture.');
    if (isRun) {
      // Alpha is every fourth value, from the third on.
      if (read(wordSize) !== 0) mask.fill(1, i >> 2, end >> 2);
      i = end;
    } else for (; i < end; i++) if (read(wordSize) !== 0 && (i & 3) === 3) mask[i >> 2] = 1;
  }
  return mask;
}

/**
 * Packs a mask in that format, byte for byte as label-studio-converter does: 255 in all four channels inside.
 *
 * @param mask `(height, width)` row-major, non-zero inside.
 */
export function encodeBrush(mask: ArrayLike<number>): number[] {
  const bytes: number[] = [];
  let pending = 0; // bits that do not make a byte yet, below a leading 1
  let filled = 0;
  const write = (value: number, bits: number) => {
    for (let bit = bits - 1; bit >= 0; bit--) {
      pending = (pending << 1) | (Math.floor(value / 2 ** bit) & 1);
      if (++filled < 8) continue;
      bytes.push(pending);
      [pending, filled] = [0, 0];
    }
  };
  write(mask.length * 4, 32);
  write(7, 5);
  for (const width of WIDTHS) write(width - 1, 4);
  for (let start = 0; start < mask.length;) {
    const inside = mask[start] !== 0;
    let end = start + 1;
    while (end < mask.length && (mask[end] !== 0) === inside) end++;
    for (let left = (end - start) * 4; left > 0;) {
      const length = Math.min(left, LONGEST);
      const which = WIDTHS.findIndex((width) => length <= 2 ** width);
      write(4 + which, 3);
      write(length - 1, WIDTHS[which]);
      write(inside ? 255 : 0, 8);
      left -= length;
    }
    start = end;
  }
  write(0, 8 - filled); // a whole byte where none is begun, as the converter has it
  return bytes;
}
