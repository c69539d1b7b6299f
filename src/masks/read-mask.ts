import { InvalidInputError } from '../base/errors';
import type { ImageInput } from '../images/image-input';
import type { LabelMap } from './label-map';
import { agreeOnLabels, type ColorTable } from './label-space';
import { type MaskOptions, readMarkedPixels, tellNotes } from './mask-reading';

/**
 * Reads one mask by itself as a label map. Grey values and the indices of a palette are labels, of which 0 and 255 alone are
 * black and white, that is 0 and 1; of RGB each distinct colour is a label, with black and transparent as background.
 *
 * @param table colours known so far; new ones are added.
 * @throws InvalidInputError for values that are no labels, more than 255 labels, and where it is not clear what is a label;
 *   ImageError if it cannot be decoded.
 */
export async function readMask(
  input: ImageInput,
  options: MaskOptions,
  table: ColorTable = new Map(),
): Promise<LabelMap> {
  const reading = await readMarkedPixels(input, options);
  tellNotes(reading);
  const known =
    reading.marks.kind === 'colors' ? { byColor: true, labels: new Set<number>() } : undefined;
  const { maps, space } = agreeOnLabels(
    [reading],
    options.tolerance,
    known && { ...known, colors: table },
  );
  for (const [color, label] of space.colors) table.set(color, label);
  return maps[0];
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
