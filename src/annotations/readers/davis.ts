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
  // Indices are objects, however near they are: none is joined to another.
  const read = { argument: file, limits: decodeLimits(), tolerance: 0 };
  const map = await readMask(annotation, read);
  const { width, height } = map;
  const objects = objectsOfLabels(map, String);
  const categories = objects.map(({ name }) => ({ name, number: Number(name) }));
  return { width, height, objects, categories };
}
