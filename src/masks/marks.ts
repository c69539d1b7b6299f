import { InvalidInputError } from '../base/errors';
import { MAX_LABELS } from '../colors/color-mapping';
import type { Pixels } from '../images/read-input';

/** What a mask's pixels say, before it is known how they agree with those of other masks. */
export type Marks =
  /** Each pixel's label, as numbers. */
  | {
      readonly kind: 'values';
      readonly values: Uint8Array;
      /** Whether values are levels of grey of which 255 is the brightest, so that 0 and 255 alone are black and white. */
      readonly levels: boolean;
      /** `(256, 4)` RGBA: the colours that a palette gives the labels. */
      readonly palette?: Uint8Array;
      /** Whether values were fractions 0 … 1 or 16-bit levels, which are labels only if they come to black and white. */
      readonly scaled?: string;
    }
  /** Each pixel's colour as one number, `0xRRGGBB`; 0 for black and for transparent. */
  | { readonly kind: 'colors'; readonly colors: Uint32Array; readonly note?: string };

/**
 * What a mask's pixels say. One channel holds labels; three hold colours; transparent is background in both. A palette's
 * indices are labels, unless black stands elsewhere than at 0: then a program that makes files smaller has made the palette,
 * and its colours are the marks.
 *
 * @throws InvalidInputError for values that are neither labels nor colours.
 */
export function readMarks(pixels: Pixels, argument: string): Marks {
  const { channels, lossy, palette } = pixels;
  if (channels >= 3 || lossy) return { kind: 'colors', colors: packColors(pixels, argument) };
  if (!palette) return greyMarks(pixels, argument);
  const { data } = pixels;
  const values = new Uint8Array(data.length);
  const used = new Uint8Array(256);
  for (let i = 0; i < data.length; i++) {
    const index = data[i];
    used[index] = 1;
    if (palette[index * 4 + 3] >= 128) values[i] = index;
  }
  const entries = [...used.keys()].filter((index) => used[index] === 1);
  const isGrey = entries.every((i) =>
    [0, 1, 2, 3].every((c) => palette[i * 4 + c] === (c < 3 ? i : 255)),
  );
  if (isGrey) return { kind: 'values', values, levels: true };
  const isBlack = (i: number) => palette[i * 4] + palette[i * 4 + 1] + palette[i * 4 + 2] === 0;
  const isBackground = (i: number) => palette[i * 4 + 3] < 128 || isBlack(i);
  if (used[0] === 1 && !isBackground(0) && entries.some(isBlack)) {
    const note =
      'its palette does not begin with black though black is used, so its colours are the labels, not its indices.';
    return { kind: 'colors', colors: paletteColors(pixels.data, palette), note };
  }
  return { kind: 'values', values, levels: false, palette };
}

/**
 * A mask as it is seen, `(height, width, 3)` RGB: what Pillow's `convert('RGB')` makes of it, but black where it is transparent.
 *
 * @throws InvalidInputError for values that are no colours.
 */
export function shownColors(pixels: Pixels, argument: string): Uint8Array {
  const { channels, width, height, palette, lossy, bits } = pixels;
  const packed =
    channels >= 3 || lossy
      ? packColors(pixels, argument)
      : palette
        ? paletteColors(pixels.data, palette)
        : undefined;
  const shown = new Uint8Array(width * height * 3);
  if (packed) {
    for (let i = 0; i < packed.length; i++)
      for (let c = 0; c < 3; c++) shown[i * 3 + c] = packed[i] >> (16 - 8 * c);
    return shown;
  }
  const marks = greyMarks(pixels, argument);
  if (marks.kind === 'values')
    for (let i = 0; i < marks.values.length; i++)
      shown.fill(bits === 1 ? marks.values[i] * 255 : marks.values[i], i * 3, i * 3 + 3);
  return shown;
}

/** The colours that indices stand for, each as one number; 0 where they are transparent. */
export function paletteColors(indices: ArrayLike<number>, palette: Uint8Array): Uint32Array {
  const table = Uint32Array.from({ length: 256 }, (_, i) =>
    palette[i * 4 + 3] < 128 ? 0 : pack(palette, i * 4),
  );
  const colors = new Uint32Array(indices.length); // a loop: a callback for each pixel takes ten times as long
  for (let i = 0; i < colors.length; i++) colors[i] = table[indices[i]];
  return colors;
}

const pack = (data: ArrayLike<number>, at: number): number =>
  (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];

/** One channel, with alpha or without. */
function greyMarks(pixels: Pixels, argument: string): Marks {
  const { channels, width, height, bits = 8 } = pixels;
  const data = channels === 1 ? pixels.data : opaqueValues(pixels, width * height);
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray)
    return { kind: 'values', values: new Uint8Array(data), levels: bits !== 1 };
  let most = 0;
  let fractions = false;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    // NaN fails every comparison, so it is refused with the values below.
    if (!(value >= 0)) refuseValue(value, argument);
    if (value > most) most = value;
    fractions ||= !Number.isInteger(value);
  }
  if (fractions) {
    if (most > 1)
      refuseValue(
        Array.from(data).find((value) => !Number.isInteger(value)),
        argument,
      );
    const values = Uint8Array.from(data, (value) => Math.round(value * 255));
    return { kind: 'values', values, levels: true, scaled: 'fractions between 0 and 1' };
  }
  if (most <= MAX_LABELS) return { kind: 'values', values: Uint8Array.from(data), levels: true };
  if (data instanceof Uint16Array && most === 65535) {
    const values = Uint8Array.from(data, (value) => Math.round(value / 257));
    return { kind: 'values', values, levels: true, scaled: `values up to ${most}` };
  }
  throw new InvalidInputError(
    argument,
    `holds the label ${most}; there may be at most ${MAX_LABELS} labels, numbered 1 to ${MAX_LABELS}: renumber them, or keep those that are to be found.`,
  );
}

function refuseValue(value: number | undefined, argument: string): never {
  throw new InvalidInputError(
    argument,
    `holds the value ${value}; labels are whole numbers from 0 (background) to ${MAX_LABELS}.`,
  );
}

/** Values with 0 where alpha is less than half. */
function opaqueValues({ data }: Pixels, count: number): ArrayLike<number> & { slice(): unknown } {
  const type = data as Uint8Array;
  const half = data instanceof Uint16Array ? 32768 : data instanceof Uint8Array ? 128 : 0.5;
  const values = type.slice(0, count);
  for (let i = 0; i < count; i++) values[i] = data[i * 2 + 1] < half ? 0 : data[i * 2];
  return values;
}

function packColors(pixels: Pixels, argument: string): Uint32Array {
  const { channels, width, height } = pixels;
  const data = colorBytes(pixels, argument);
  const packed = new Uint32Array(width * height);
  const hasAlpha = channels === 2 || channels === 4;
  for (let i = 0, at = 0; i < packed.length; i++, at += channels) {
    if (hasAlpha && data[at + channels - 1] < 128) continue;
    packed[i] = channels < 3 ? data[at] * 0x010101 : pack(data, at);
  }
  return packed;
}

/** Colours in 0 … 255, whatever they were given in. */
function colorBytes({ data, fractional, bits }: Pixels, argument: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (bits === 16) return sixteenBitColors(data);
  return Uint8Array.from(data, (value) => {
    const level = fractional ? Math.round(value * 255) : value;
    if (Number.isInteger(level) && level >= 0 && level <= 255) return level;
    throw new InvalidInputError(
      argument,
      `holds the colour value ${value}; ${fractional ? 'floating-point colours are 0 … 1 (divide by 255)' : 'colours are whole numbers from 0 to 255'}.`,
    );
  });
}

/** Files of 16 bits hold colours of 8 as they are, or spread over the range. */
function sixteenBitColors(data: ArrayLike<number>): Uint8Array {
  let most = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > most) most = data[i];
  return Uint8Array.from(data, (value) => (most <= 255 ? value : Math.round(value / 257)));
}
