import { InvalidInputError } from '../base/errors';
import { warn } from '../base/warn';
import type { ImageInput } from '../images/image-input';
import { inputName, readPixels, type ReadOptions } from '../images/read-input';
import {
  colorDistance,
  colorName,
  indexColors,
  type IndexedColors,
  indexLevels,
} from './indexed-colors';
import { type Marks, paletteColors, readMarks, shownColors } from './marks';
import { joinSoftEdges } from './soft-edges';
import { looksLikeVoid, VOID, voidColor, withoutValue } from './void';

export interface MaskOptions extends Omit<ReadOptions, 'purpose' | 'asStored'> {
  /**
   * Largest distance in RGB (0 … 441) at which a colour counts as a more frequent one near it. With 0 nothing is joined, not
   * even what looks like soft edges. Label maps of one channel stay as they are, unless their edges are soft.
   * @default soft edges are recognised and joined
   */
  readonly tolerance?: number;
  /** Value of pixels that are left out; 0 for none. @default 255 in masks that look like PASCAL VOC's */
  readonly ignore?: number;
  /** Keep the mask's own colours beside its marks. */
  readonly keepColors?: boolean;
}

/** A mask that was read by itself, with what people should know of how. */
export interface MaskReading {
  readonly width: number;
  readonly height: number;
  readonly marks: Marks;
  /** Whether it is black and white, so that it marks one thing and says nothing of its label. */
  readonly binary: boolean;
  /** Names it in messages: where it is, or the argument that it was given as. */
  readonly name: string;
  readonly argument: string;
  readonly notes: readonly string[];
  /** `(height, width, 3)` RGB: the mask as it is seen, before soft edges were joined; void is black. Where it was asked for. */
  readonly shown?: Uint8Array;
}

/**
 * Reads any {@link ImageInput} as marks: labels where it has one channel or a palette, colours where it has three. Soft
 * edges are joined to what they are edges of, and void is left out.
 *
 * @throws InvalidInputError for values that are no labels, and for masks of which it is not clear what is a label;
 *   ImageError if it cannot be decoded.
 */
export async function readMarkedPixels(
  input: ImageInput,
  options: MaskOptions,
): Promise<MaskReading> {
  const { argument, tolerance, ignore } = options;
  if (tolerance !== undefined && !(tolerance >= 0))
    throw new InvalidInputError(
      'tolerance',
      `must be a distance of 0 or more, is ${String(tolerance)}.`,
    );
  if (ignore !== undefined && !(Number.isInteger(ignore) && ignore >= 0 && ignore <= 255))
    throw new InvalidInputError(
      'ignore',
      `must be a whole number from 0 (nothing) to 255, is ${String(ignore)}.`,
    );
  const pixels = await readPixels(input, { ...options, purpose: 'mask' });
  const { width, height, lossy } = pixels;
  const given = readMarks(pixels, argument);
  const notes: string[] = [];
  if (given.kind === 'colors' && given.note) notes.push(given.note);
  const size = { width, height };
  const joined = joinMarks(given, size, { argument, lossy, tolerance }, notes);
  const marks = leaveOutVoid(joined, size, ignore, notes);
  const shown = options.keepColors ? shownColors(pixels, argument) : undefined;
  if (shown) blacken(shown, joined, marks);
  return {
    ...size,
    ...{ marks, binary: isBinary(marks), name: inputName(input, argument), argument, notes },
    ...(shown && { shown }),
  };
}

/** Makes black what is void: what was marked, and is left out. */
function blacken(shown: Uint8Array, before: Marks, after: Marks): void {
  const [given, kept] = [before, after].map((marks) =>
    marks.kind === 'values' ? marks.values : marks.colors,
  );
  for (let i = 0; i < kept.length; i++)
    if (kept[i] === 0 && given[i] !== 0) shown.fill(0, i * 3, i * 3 + 3);
}

/** Whether labels were given as levels of black and white. */
function isBinary(marks: Marks): boolean {
  if (marks.kind === 'values') return marks.levels && holdsOnly(marks.values, 255);
  return holdsOnly(marks.colors, 0xffffff);
}

function holdsOnly(data: Uint8Array | Uint32Array, white: number): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== 0 && data[i] !== white) return false;
  return true;
}

interface JoinOptions {
  readonly argument: string;
  readonly lossy: boolean;
  readonly tolerance: number | undefined;
}

/** Joins soft edges, where there are any. */
function joinMarks(
  marks: Marks,
  { width, height }: { readonly width: number; readonly height: number },
  { argument, lossy, tolerance }: JoinOptions,
  notes: string[],
): Marks {
  const scaled = marks.kind === 'values' ? marks.scaled : undefined;
  const refuseScaled = () => {
    throw new InvalidInputError(
      argument,
      `holds ${scaled}, which are no labels, and do not come to black and white with soft edges; labels are whole numbers from 0 (background) to 255: renumber them.`,
    );
  };
  if (isBinary(marks)) return marks;
  if (tolerance === 0 || (marks.kind === 'values' && isSmall(marks.values))) {
    if (scaled) refuseScaled();
    return marks;
  }
  const indexed =
    marks.kind === 'colors'
      ? indexColors(marks.colors, width, height)
      : indexLevels(marks.values, colorsOfValues(marks), width, height);
  if (!indexed)
    throw new InvalidInputError(
      argument,
      'has more colours than any mask; is it a photograph? A mask has one colour for each label.',
    );
  const edges = joinSoftEdges(indexed, { lossy, force: tolerance !== undefined && !lossy });
  if (edges.kind === 'unclear' && tolerance === undefined) {
    const advice = lossy
      ? 'save the mask as PNG, or pass the option tolerance to join each colour to a more frequent one within that distance (0 … 441)'
      : 'pass the option tolerance (32, say) to join such colours, or 0 for it to take each as a label';
    throw new InvalidInputError(
      argument,
      `has colours of which it is not clear whether they are labels or blends of others at soft edges: ${listColors(indexed)}; ${advice}.`,
    );
  }
  if (edges.kind !== 'joined' || (marks.kind === 'values' && marks.palette && edges.blends < 8)) {
    if (scaled) refuseScaled();
    return marks;
  }
  notes.push(
    `its edges are soft: ${edges.blends} blends (${edges.pixels} pixels) were joined to the ${edges.kept} colours that they blend.`,
  );
  const kept = Uint32Array.from(indexed.colors, (color) => (lossy ? asWritten(color) : color));
  if (marks.kind === 'colors' || marks.palette)
    return { kind: 'colors', colors: lookUp(edges.ids, kept, Uint32Array) };
  const values = lookUp(
    edges.ids,
    Uint8Array.from(kept, (color) => color & 255),
    Uint8Array,
  );
  return { ...marks, values };
}

/** What stands in a table for each id. */
function lookUp<Table extends Uint8Array | Uint32Array>(
  ids: Uint16Array,
  table: Table,
  type: new (length: number) => Table,
): Table {
  const result = new type(ids.length);
  for (let i = 0; i < ids.length; i++) result[i] = table[ids[i]];
  return result;
}

/** Label maps with low numbers alone: no two of them are far enough apart to have blends. */
function isSmall(values: Uint8Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] > 28) return false;
  return true;
}

/** `(256)`: the colour in which each value is seen. */
function colorsOfValues({ palette }: Marks & { kind: 'values' }): Uint32Array {
  const values = Uint8Array.from({ length: 256 }, (_, i) => i);
  return palette ? paletteColors(values, palette) : Uint32Array.from(values, (i) => i * 0x010101);
}

/** Compression moves black and white a little. */
function asWritten(color: number): number {
  return [0, 0xffffff].find((plain) => colorDistance(color, plain) <= 40) ?? color;
}

/** The colours with the largest areas, for a message. */
function listColors({ colors, counts }: IndexedColors): string {
  const order = colors.map((_, id) => id).sort((a, b) => counts[b] - counts[a]);
  const shown = order.slice(0, 8).map((id) => `${colorName(colors[id])} (${counts[id]} pixels)`);
  const rest = order.slice(8).reduce((sum, id) => sum + counts[id], 0);
  return rest > 0
    ? `${shown.join(', ')} and ${order.length - 8} more (${rest} pixels)`
    : shown.join(', ');
}

function leaveOutVoid(
  marks: Marks,
  { width, height }: { readonly width: number; readonly height: number },
  ignore: number | undefined,
  notes: string[],
): Marks {
  if (ignore === 0) return marks;
  if (marks.kind === 'values') {
    if (ignore !== undefined) return withoutValue(marks, ignore);
    if (!looksLikeVoid(marks.values, marks.palette, width, height)) return marks;
    notes.push(
      'its value 255 is left out as void, as in PASCAL VOC; pass the option ignore (0) if it is a label.',
    );
    return withoutValue(marks, VOID);
  }
  const colors = new Set<number>();
  for (let i = 0; i < marks.colors.length; i++)
    if (i === 0 || marks.colors[i] !== marks.colors[i - 1]) colors.add(marks.colors[i]);
  const color = voidColor([...colors]);
  if (color === undefined) return marks;
  notes.push(
    `its colour ${colorName(color)} is left out as void, as in PASCAL VOC; pass the option ignore (0) if it is a label.`,
  );
  return { kind: 'colors', colors: marks.colors.map((each) => (each === color ? 0 : each)) };
}

/** Tells people, once for each file, how a mask was read where that is not plain. */
export function tellNotes({ name, notes }: MaskReading): void {
  for (const note of notes) warn('MASK', `${name}: ${note}`);
}
