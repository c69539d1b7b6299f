/**
 * Void: pixels of which nobody says what they show, as the borders of PASCAL VOC's objects. They are left out of a prompt.
 */
import type { Marks } from './marks';

/** The value of void in PASCAL VOC, ADE20K, Cityscapes and most that came after. */
export const VOID = 255;
/** The colour that VOC's palette gives it: 224, 224, 192. */
const VOID_COLOR = 0xe0e0c0;
/** Labels past this one mean that objects are counted up to 255, of which it is one. */
const MOST_CLASSES = 200;
/** Labels up to this one, with 255 and nothing between, are classes that are counted from 1. */
const MOST_COUNTED = 40;

/** Colour `index` of VOC's palette (`VOClabelcolormap.m` of the development kit): bits of the index, spread over channels. */
export function vocColor(index: number): number {
  const color = [0, 0, 0];
  for (let i = index, bit = 7; bit >= 0; i >>= 3, bit--)
    for (let c = 0; c < 3; c++) color[c] |= ((i >> c) & 1) << bit;
  return (color[0] << 16) | (color[1] << 8) | color[2];
}

/**
 * Whether 255 looks like VOC's void: it stands beside other labels, none of which is from 201 to 254, and
 *
 * - the palette is VOC's, or
 * - the other labels are all at most 40, or
 * - it is nowhere wide, as borders are: never more than 1% of the longer side, or 11 pixels.
 */
export function looksLikeVoid(
  values: Uint8Array,
  palette: Uint8Array | undefined,
  width: number,
  height: number,
): boolean {
  const used = new Uint8Array(256);
  for (let i = 0; i < values.length; i++) used[values[i]] = 1;
  if (!used[VOID]) return false;
  let most = VOID - 1;
  while (most > 0 && !used[most]) most--;
  if (most === 0 || most > MOST_CLASSES) return false; // 0 and 255 alone are black and white
  if (palette) {
    const at = (i: number) =>
      (palette[i * 4] << 16) | (palette[i * 4 + 1] << 8) | palette[i * 4 + 2];
    if (at(VOID) === VOID_COLOR && at(1) === vocColor(1)) return true;
  }
  return most <= MOST_COUNTED || isNarrow(values, width, height);
}

/** Whether nowhere a square wider than a border holds nothing but void. */
function isNarrow(values: Uint8Array, width: number, height: number): boolean {
  const widest = Math.max(11, Math.round(0.01 * Math.max(width, height)));
  // The side of the largest square of void that ends at a pixel, by those that end at its neighbours.
  let above = new Int32Array(width + 1);
  let row = new Int32Array(width + 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isVoid = values[y * width + x] === VOID;
      row[x + 1] = isVoid ? 1 + Math.min(row[x], above[x], above[x + 1]) : 0;
      if (row[x + 1] > widest) return false;
    }
    [above, row] = [row, above];
  }
  return true;
}

/** The colour of void in a mask of VOC's colours that was saved as RGB; `undefined` if it is no such mask. */
export function voidColor(colors: readonly number[]): number | undefined {
  if (!colors.includes(VOID_COLOR)) return undefined;
  const classes = new Set(Array.from({ length: 21 }, (_, i) => vocColor(i)));
  const others = colors.filter((color) => color !== VOID_COLOR && color !== 0);
  return others.length > 0 && others.every((color) => classes.has(color)) ? VOID_COLOR : undefined;
}

/** Marks without those of a value. */
export function withoutValue<Kind extends Marks & { kind: 'values' }>(
  marks: Kind,
  value: number,
): Kind {
  return { ...marks, values: marks.values.map((each) => (each === value ? 0 : each)) };
}
