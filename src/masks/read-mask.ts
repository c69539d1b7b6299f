import { InvalidInputError } from '../base/errors';
import { MAX_LABELS } from '../colors/color-mapping';
import type { ImageInput } from '../images/image-input';
import { type Pixels, readPixels, type ReadOptions } from '../images/read-input';
import type { LabelMap } from './label-map';

export interface MaskOptions extends Omit<ReadOptions, 'purpose'> {
  /**
   * Largest distance in RGB (0 … 441) at which a colour counts as a more frequent one near it. Needed for
   * masks in lossy formats, whose edges hold colours that are no labels. Label maps stay as they are.
   */
  readonly tolerance?: number;
}

/**
 * Labels for the colours of RGB masks. Masks read with one table agree on what a colour means; labels
 * are given in the order in which colours first appear, from 1.
 */
export type ColorTable = Map<number, number>;

/**
 * Reads any {@link ImageInput} as a label map. One channel holds labels as they are (a palette PNG gives
 * its indices, booleans give 0 and 1); RGB gives one label for each distinct colour, with black and
 * transparent as background.
 *
 * @param table colours known so far; new ones are added.
 * @throws InvalidInputError for a mask in a lossy format without `tolerance`, more than 255 labels, or
 *   values that are no labels; ImageError if it cannot be decoded.
 */
export async function readMask(
  input: ImageInput,
  options: MaskOptions,
  table: ColorTable,
): Promise<LabelMap> {
  const { argument, tolerance } = options;
  if (tolerance !== undefined && !(tolerance >= 0)) {
    throw new InvalidInputError(
      'tolerance',
      `must be a distance of 0 or more, is ${String(tolerance)}.`,
    );
  }
  const pixels = await readPixels(input, { ...options, purpose: 'mask' });
  if (pixels.lossy && tolerance === undefined) {
    throw new InvalidInputError(
      argument,
      'is in a lossy format (JPEG, WebP or AVIF), whose edge colours are not labels; save it as PNG, or pass the option tolerance (32, say).',
    );
  }
  const { width, height } = pixels;
  if (pixels.channels === 1 && !pixels.lossy)
    return { width, height, data: labelValues(pixels, argument) };
  const packed = packColors(pixels, argument);
  return { width, height, data: colorLabels(packed, table, tolerance ?? 0, argument) };
}

function labelValues({ data }: Pixels, argument: string): Uint8Array {
  const labels = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (!Number.isInteger(value) || value < 0) {
      throw new InvalidInputError(
        argument,
        `holds the value ${value}; labels are whole numbers from 0 (background) to ${MAX_LABELS}.`,
      );
    }
    if (value > MAX_LABELS) {
      throw new InvalidInputError(
        argument,
        `holds the label ${value}; there may be at most ${MAX_LABELS} labels, numbered 1 to ${MAX_LABELS}.`,
      );
    }
    labels[i] = value;
  }
  return labels;
}

/** Each pixel's colour as one number, 0 for black and for transparent. */
function packColors(pixels: Pixels, argument: string): Uint32Array {
  const { channels, width, height } = pixels;
  const data = colorBytes(pixels, argument);
  const packed = new Uint32Array(width * height);
  for (let i = 0; i < packed.length; i++) {
    if (channels === 1) packed[i] = data[i] * 0x010101;
    else if (channels === 3 || data[i * 4 + 3] >= 128) {
      const at = i * channels;
      packed[i] = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    }
  }
  return packed;
}

/** Colours in 0 … 255, whatever they were given in. */
function colorBytes({ data, fractional }: Pixels, argument: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  return Uint8Array.from(data, (value) => {
    const level = fractional ? Math.round(value * 255) : value;
    if (Number.isInteger(level) && level >= 0 && level <= 255) return level;
    throw new InvalidInputError(
      argument,
      `holds the colour value ${value}; ${fractional ? 'floating-point colours are 0 … 1 (divide by 255)' : 'colours are whole numbers from 0 to 255'}.`,
    );
  });
}

function colorLabels(
  packed: Uint32Array,
  table: ColorTable,
  tolerance: number,
  argument: string,
): Uint8Array {
  const counts = new Map<number, number>([[0, Infinity]]); // black is always a colour of its own
  forEachRun(packed, (color, start, end) =>
    counts.set(color, (counts.get(color) ?? 0) + end - start),
  );
  const kept = new Map<number, number>(); // colour → the colour it stands for
  const leaders: number[] = [...table.keys(), 0];
  for (const [color] of [...counts].sort((a, b) => b[1] - a[1])) {
    // Black and colours that are labels already stand for themselves, however near another is.
    const itself = color === 0 || table.has(color);
    const leader = itself
      ? color
      : leaders.find((other) => colorDistance(color, other) <= tolerance);
    if (leader === undefined) {
      leaders.push(color);
      if (leaders.length - 1 > MAX_LABELS) {
        throw new InvalidInputError(
          argument,
          `has more than ${MAX_LABELS} distinct colours, but each colour is a label; is it a photograph? Pass the option tolerance to join colours that are close.`,
        );
      }
    }
    kept.set(color, leader ?? color);
  }
  const labels = new Uint8Array(packed.length);
  forEachRun(packed, (given, start, end) => {
    const color = kept.get(given) as number;
    if (color === 0) return;
    let label = table.get(color);
    if (label === undefined) {
      label = table.size + 1;
      if (label > MAX_LABELS) {
        throw new InvalidInputError(
          argument,
          `the masks together have more than ${MAX_LABELS} distinct colours, one label each.`,
        );
      }
      table.set(color, label);
    }
    labels.fill(label, start, end);
  });
  return labels;
}

/** Masks are areas: neighbours mostly have one colour, and a look-up for each run of it does. */
function forEachRun(
  colors: Uint32Array,
  visit: (color: number, start: number, end: number) => void,
): void {
  for (let start = 0; start < colors.length;) {
    const color = colors[start];
    let end = start + 1;
    while (end < colors.length && colors[end] === color) end++;
    visit(color, start, end);
    start = end;
  }
}

function colorDistance(a: number, b: number): number {
  return Math.hypot(
    (a >> 16) - (b >> 16),
    ((a >> 8) & 255) - ((b >> 8) & 255),
    (a & 255) - (b & 255),
  );
}

/** @throws InvalidInputError if a mask marks nothing: a prompt must show what to look for. */
export function checkNotEmpty({ data }: LabelMap, argument: string): void {
  if (data.every((label) => label === 0)) {
    throw new InvalidInputError(
      argument,
      `is empty: every pixel is background. Mark at least one pixel of what is to be found.`,
    );
  }
}
