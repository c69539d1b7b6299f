import { InvalidInputError } from '../base/errors';
import { guarded } from '../base/guard';
import type { AnnotatedPicture } from './model/annotated-picture';
import { Entry, type TextInput, textOf } from './model/entry';

/**
 * Reads an annotation file of any format that tells by its contents what it is: COCO, labelme and Label Studio's JSON, and
 * CVAT's XML for images. Only the reader that is needed is loaded.
 *
 * @param file what messages call it.
 * @returns the pictures that it is about.
 * @throws InvalidInputError for other files, and as the format's own reader has it.
 */
export function readAnnotations(
  input: TextInput,
  file = 'annotations',
): Promise<AnnotatedPicture[]> {
  return readGuarded(input, file);
}

const readGuarded = guarded(async function (
  input: TextInput,
  file: string,
): Promise<AnnotatedPicture[]> {
  const text = textOf(input, file);
  if (/^\s*</.test(text)) return (await import('./readers/cvat')).readCvat(text, file);
  const root = Entry.ofJson(text, file);
  if (root.isList) return (await import('./readers/label-studio')).labelStudioPictures(root);
  if (root.has('shapes')) return [await (await import('./readers/labelme')).labelmePicture(root)];
  if (root.has('images') && root.has('annotations'))
    return (await import('./readers/coco')).cocoPictures(root);
  throw new InvalidInputError(
    file,
    'is of no annotation format that is read: COCO (with images, annotations and categories), labelme (with shapes), a JSON export of Label Studio, or CVAT for images 1.1.',
  );
});

/**
 * Of the pictures of a file the one that an image is: the only one, whatever it is called, or the one whose name the image's
 * path ends in, or whose name without folders is the image's. Label Studio's own folders and prefixes do not count.
 *
 * @param image path or URL of the image, where it has one.
 * @throws InvalidInputError if none or several fit, or there is no name to go by.
 */
export function pictureOf(
  pictures: readonly AnnotatedPicture[],
  image: string | undefined,
  file: string,
): AnnotatedPicture {
  if (pictures.length === 1) return pictures[0];
  const listed = pictures.map((picture) => `"${picture.file ?? 'no name'}"`);
  const shown = `${listed.slice(0, 5).join(', ')}${listed.length > 5 ? ', …' : ''}`;
  const fail = (why: string): never => {
    throw new InvalidInputError(file, `has ${pictures.length} pictures (${shown}), and ${why}.`);
  };
  if (pictures.length === 0) return fail('none of them can be meant');
  if (image === undefined)
    return fail(
      "the image has no name to choose by; pass that picture's own, of readAnnotations in seggpt/annotations",
    );
  const path = plainPath(image);
  const ending = pictures.filter(
    (picture) => picture.file !== undefined && `/${path}`.endsWith(`/${plainPath(picture.file)}`),
  );
  const named = pictures.filter(
    (picture) => picture.file !== undefined && baseOf(picture.file) === baseOf(image),
  );
  const found = ending.length > 0 ? ending : named;
  if (found.length === 1) return found[0];
  return fail(
    `${found.length === 0 ? 'none' : `${found.length} of them`} is called "${baseOf(image)}"`,
  );
}

/** A path with slashes, without what leads to it: a scheme, a server's `?d=`, and dots. */
function plainPath(path: string): string {
  const inQuery = /[?&]d=([^&]+)/.exec(path)?.[1];
  const plain = inQuery
    ? decodeURIComponent(inQuery)
    : path.replace(/^([a-z]{2,}:\/\/[^?#]*).*$/i, '$1');
  return plain.replaceAll('\\', '/').replace(/^(\.{0,2}\/)+/, '');
}

/** The last part of a path, without the eight digits that Label Studio puts before files that are sent to it. */
function baseOf(path: string): string {
  return plainPath(path)
    .split('/')
    .at(-1)!
    .replace(/^[\da-f]{8}-/, '');
}
