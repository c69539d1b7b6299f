import { decodeLimits } from '../../images/decode-limits';
import { readMask } from '../../masks/read-mask';
import type { AnnotatedPicture } from '../model/annotated-picture';
import { objectsOfLabels } from '../model/objects-of-labels';

/**
 * Reads one frame of DAVIS's `Annotations` (davischallenge.org, DAVIS 2017: PNG with a palette, whose indices are objects;
 * DAVIS 2016: grey, 255 for the one object). Objects are called by their numbers, and keep them as labels, so that all
 * frames of a sequence agree; 255 in a grey file is the object 1.
 *
 * @param annotation bytes of a PNG.
 * @throws InvalidInputError, ImageError if it is no label map.
 */
export async function readDavis(
  annotation: Uint8Array,
  file = 'DAVIS mask',
): Promise<AnnotatedPicture> {
  const read = { argument: file, limits: decodeLimits() };
  const { width, height, data } = await readMask(annotation, read, new Map());
  const isBinary = data.every((index) => index === 0 || index === 255);
  const labels = isBinary ? data.map((index) => Number(index !== 0)) : data;
  const objects = objectsOfLabels({ width, height, data: labels }, String);
  const categories = objects.map(({ name }) => ({ name, number: Number(name) }));
  return { width, height, objects, categories };
}
