/**
 * Prompts share one set of labels, and their masks may be of different kinds. What can be told is told by rule:
 *
 * 1. Masks that all have colours number these in the order in which they appear.
 * 2. Label maps, grey or with a palette, have their numbers.
 * 3. Colours beside a label map with a palette are the labels to which the palette gives these colours.
 * 4. A black and white mask beside label maps is label 1 where these show no other, and label 255 where they show that.
 *
 * All else is refused by an error that names both files.
 */
import { InvalidInputError } from '../base/errors';
import { MAX_LABELS } from '../colors/color-mapping';
import { colorDistance, colorName } from './indexed-colors';
import { type LabelMap, labelsOf } from './label-map';
import type { MaskReading } from './mask-reading';

/** What labels mean in a set of masks, so that masks that are read later agree. */
export interface LabelSpace {
  /** Whether labels are numbers that colours were given. */
  readonly byColor: boolean;
  /** Label of each colour, `0xRRGGBB`. */
  readonly colors: ReadonlyMap<number, number>;
  /** Every label that the masks show. */
  readonly labels: ReadonlySet<number>;
  /** `(256, 4)` RGBA: the colours that a palette gives the labels. */
  readonly palette?: Uint8Array;
}

/**
 * Labels for the colours of RGB masks. Masks read with one table agree on what a colour means; labels
 * are given in the order in which colours first appear, from 1.
 */
export type ColorTable = Map<number, number>;

/**
 * The label maps of masks that belong together.
 *
 * @param tolerance joins colours within this distance to a more frequent one.
 * @param known what labels mean already: plain numbers are its labels then, whatever its own masks looked like.
 * @throws InvalidInputError naming two masks that do not agree, or if there are more labels than can be told apart.
 */
export function agreeOnLabels(
  readings: readonly MaskReading[],
  tolerance = 0,
  known?: LabelSpace,
): { readonly maps: readonly LabelMap[]; readonly space: LabelSpace } {
  const table: ColorTable = new Map(known?.colors);
  const numbered = readings.filter((each) => each.marks.kind === 'values');
  const byColor = known ? known.byColor : numbered.length === 0;
  const labelled = numbered.filter(({ binary }) => !binary);
  const shown = new Set(known?.labels);
  for (const { marks } of labelled)
    if (marks.kind === 'values')
      for (const label of labelsOf({ ...noSize, data: marks.values })) shown.add(label);
  const palette =
    known?.palette ??
    numbered.map(({ marks }) => marks.kind === 'values' && marks.palette).find(Boolean);
  const maps = readings.map((reading): LabelMap => {
    const { marks, width, height, binary, argument } = reading;
    if (marks.kind === 'colors' && byColor)
      return { width, height, data: colorLabels(marks.colors, table, tolerance, argument) };
    if (binary) {
      const data = marks.kind === 'values' ? marks.values : marks.colors;
      const labels = new Uint8Array(data.length);
      if (data.every((mark) => mark === 0)) return { width, height, data: labels }; // nothing is white
      const label = labelOfWhite(reading, labelled, shown, known !== undefined);
      for (let i = 0; i < data.length; i++) if (data[i] !== 0) labels[i] = label;
      return { width, height, data: labels };
    }
    if (marks.kind === 'values') return { width, height, data: marks.values };
    const data = labelsByPalette(reading, marks.colors, palette || undefined, numbered[0]);
    return { width, height, data };
  });
  for (const map of maps) for (const label of labelsOf(map)) shown.add(label);
  return { maps, space: { byColor, colors: table, labels: shown, palette: palette || undefined } };
}

const noSize = { width: 0, height: 0 };

/** The label that black and white masks mark. */
function labelOfWhite(
  reading: MaskReading,
  labelled: readonly MaskReading[],
  shown: ReadonlySet<number>,
  isKnown: boolean,
): number {
  const [only] = shown;
  if (shown.has(255)) return 255;
  if (shown.size === 0) return 1;
  if (shown.size === 1 && (only === 1 || isKnown)) return only;
  const other = labelled[0] ? `"${labelled[0].name}" holds` : 'the prompts show';
  throw new InvalidInputError(
    reading.argument,
    `"${reading.name}" is black and white, while ${other} the labels ${[...shown].sort((a, b) => a - b).join(', ')}: which of them is white? Save the mask with the label's number in place of white.`,
  );
}

/** Labels by the colours that a palette gives them. */
function labelsByPalette(
  { argument, name }: MaskReading,
  colors: Uint32Array,
  palette: Uint8Array | undefined,
  numbered: MaskReading | undefined,
): Uint8Array {
  const other = numbered ? `"${numbered.name}"` : 'the prompts';
  if (!palette) {
    throw new InvalidInputError(
      argument,
      `"${name}" marks by colours, and ${other} by numbers, so nobody can tell which colour is which number. Save both as label maps (grey or palette), or both in the same colours.`,
    );
  }
  const labels = new Map<number, number>([[0, 0]]);
  for (let i = 255; i > 0; i--) {
    const color = (palette[i * 4] << 16) | (palette[i * 4 + 1] << 8) | palette[i * 4 + 2];
    if (color !== 0) labels.set(color, i);
  }
  return Uint8Array.from(colors, (color) => {
    const label = labels.get(color);
    if (label !== undefined) return label;
    throw new InvalidInputError(
      argument,
      `"${name}" has the colour ${colorName(color)}, which the palette of ${other} does not have, so nobody can tell its label. Save both as label maps (grey or palette), or both in the same colours.`,
    );
  });
}

/** One label for each distinct colour, joined where they are within the tolerance. */
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
