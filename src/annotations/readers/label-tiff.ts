import { InvalidInputError } from '../../base/errors';
import { readTiff } from '../formats/tiff';
import type { AnnotatedPicture } from '../model/annotated-picture';
import { objectsOfLabels } from '../model/objects-of-labels';

/**
 * Reads a label picture in TIFF, as napari, ImageJ (Labkit, MorphoLibJ), Cellpose and StarDist save it: a whole number for each
 * pixel, 0 for background. Numbers up to 255 are labels as they are; where there are larger ones, but no more than 255 in all,
 * the objects are numbered anew in the order of their numbers. They are called by the number in the file either way. Of several
 * pages the first is read.
 *
 * @throws InvalidInputError for fractions, numbers below 0, and more than 255 objects; ImageError for what is no such TIFF.
 */
export async function readLabelTiff(
  bytes: Uint8Array,
  file = 'label TIFF',
): Promise<AnnotatedPicture> {
  const { width, height, data } = await readTiff(bytes, file);
  const numbers = new Set<number>();
  let last = 0;
  for (const value of data) {
    if (value === last) continue;
    last = value;
    numbers.add(value);
    if (!Number.isInteger(value) || value < 0)
      throw new InvalidInputError(
        file,
        `holds the value ${value}; labels are whole numbers from 0.`,
      );
    if (numbers.size > 256)
      throw new InvalidInputError(
        file,
        'holds more than 255 objects; join them, or cut the picture into parts.',
      );
  }
  numbers.delete(0);
  const found = [...numbers].sort((a, b) => a - b);
  if (found.length > 255)
    throw new InvalidInputError(
      file,
      'holds more than 255 objects; join them, or cut the picture into parts.',
    );
  const keep = (found.at(-1) ?? 0) <= 255;
  const labelOf = new Map(found.map((number, i) => [number, keep ? number : i + 1]));
  const numberOf = new Map([...labelOf].map(([number, label]) => [label, number]));
  const labels = Uint8Array.from(data, (value) => labelOf.get(value) ?? 0);
  const objects = objectsOfLabels({ width, height, data: labels }, (label) =>
    String(numberOf.get(label)),
  );
  const categories = [...labelOf].map(([number, label]) => ({
    name: String(number),
    number: label,
  }));
  return { width, height, objects, categories };
}
