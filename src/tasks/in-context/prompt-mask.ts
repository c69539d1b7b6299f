import { InvalidInputError } from '../../base/errors';
import { imageCodec } from '../../images/image-codec';
import type { ImageInput } from '../../images/image-input';
import { checkSize, checkSource } from '../../images/read-input';
import type { AnnotatedPicture } from '../../annotations/model/annotated-picture';
import type { LabelTable } from '../../annotations/model/label-table';
import type { LabelMap } from '../../masks/label-map';
import { type BinaryMask, drawShape, isMaskShape, type OneMask } from '../../masks/mask-input';
import { type MaskOptions, type MaskReading, readMarkedPixels } from '../../masks/mask-reading';
import { readMask } from '../../masks/read-mask';

/**
 * What may be given as the mask of a picture:
 *
 * - a picture of labels, in any form of {@link ImageInput}
 * - a `Mask` of a result; COCO's run-lengths `{ size, counts }`; `{ polygons, width, height }`. They are the label 1, unless
 *   they have a `label` (and `name`) of their own
 * - a list of these: several masks of one picture are several labels, numbered by their places from 1, unless they have their
 *   own; later ones lie on top. A picture in a list marks what is not background
 * - an annotation file, by a path or URL that ends in `.json` or `.xml`, or as a `File` of such a name: COCO, labelme, Label
 *   Studio, CVAT. Of several pictures in it the one that is called like the image is taken
 * - what `seggpt/annotations` read of a picture
 *
 * Names of categories become names of labels.
 */
export type MaskInput = OneMask | readonly OneMask[] | AnnotatedPicture;

/** Annotation files that were read for one call: several prompts may share one. */
export type AnnotationFiles = Map<string, Promise<AnnotatedPicture[]>>;

/** What annotations of several prompts share. */
export interface AnnotationTables {
  /** Labels by name; grows by what annotations name. */
  readonly categories: LabelTable;
  readonly files: AnnotationFiles;
}

/** A mask that was read by itself, and the names that some of its labels have by themselves. */
export interface ReadMask extends MaskReading {
  readonly labelNames?: Readonly<Record<number, string>>;
}

/** A label map that was drawn here: its values are labels, whatever they are. */
function reading(
  { width, height, data }: LabelMap,
  argument: string,
  labelNames: Readonly<Record<number, string>> = {},
): ReadMask {
  return {
    ...{ width, height, marks: { kind: 'values', values: data, levels: false } },
    ...{ binary: false, name: argument, argument, notes: [], labelNames },
  };
}

/**
 * Reads a prompt's mask in any of its forms.
 *
 * @param image the picture that it is of, which may have the name to look for in an annotation file.
 * @throws InvalidInputError, ImageError, AbortedError
 */
export async function readPromptMask(
  input: MaskInput,
  image: ImageInput,
  options: MaskOptions,
  tables: AnnotationTables,
): Promise<ReadMask> {
  const { argument } = options;
  if (Array.isArray(input)) return joined(input as readonly OneMask[], options);
  if (isMaskShape(input)) return joined([input], options);
  if (isAnnotatedPicture(input)) return drawn(input, options, tables);
  const file = annotationFile(input as ImageInput);
  if (file) {
    const { pictureOf } = await import('../../annotations/read-annotations');
    const pictures = await fileOf(input as string | URL | Blob, file, options, tables);
    return drawn(pictureOf(pictures, nameOf(image), argument), options, tables);
  }
  return readMarkedPixels(input as ImageInput, options);
}

/** Several masks of one picture as a label map. */
async function joined(masks: readonly OneMask[], options: MaskOptions): Promise<ReadMask> {
  const { argument } = options;
  const alone = masks.length === 1 && isMaskShape(masks[0]);
  const place = (i: number) => (alone ? argument : `${argument}[${i}]`);
  let map: LabelMap | undefined; // each mask is drawn at once: there may be 255 of a large picture
  const placeOf = new Map<number, number>();
  const labelNames: Record<number, string> = {};
  for (const [i, given] of masks.entries()) {
    const each = { ...options, argument: place(i) };
    const mask: BinaryMask = isMaskShape(given)
      ? drawShape(given, place(i), options.limits)
      : await binary(given, each);
    const { width, height } = mask;
    map ??= { width, height, data: new Uint8Array(width * height) };
    const label = mask.label ?? i + 1;
    const other = placeOf.get(label);
    if (label > 255)
      throw new InvalidInputError(
        place(i),
        'is one mask too many: there may be at most 255 labels.',
      );
    if (other !== undefined)
      throw new InvalidInputError(
        place(i),
        `has the label ${label}, as ${place(other)} has; give each a label of its own.`,
      );
    if (width !== map.width || height !== map.height)
      throw new InvalidInputError(
        place(i),
        `is ${width} x ${height} pixels, but the first mask of its picture is ${map.width} x ${map.height}.`,
      );
    placeOf.set(label, i);
    if (mask.name !== undefined) labelNames[label] = mask.name;
    const { data } = map;
    for (let at = 0; at < data.length; at++) if (mask.data[at] !== 0) data[at] = label;
  }
  if (!map) throw new InvalidInputError(argument, 'is an empty list; give at least one mask.');
  return reading(map, argument, labelNames);
}

/** A picture among several masks. @throws InvalidInputError if it has labels of its own, which would be lost. */
async function binary(input: ImageInput, options: MaskOptions): Promise<BinaryMask> {
  const mask = await readMask(input, options, new Map());
  const first = mask.data.find((label) => label !== 0);
  if (mask.data.some((label) => label !== 0 && label !== first))
    throw new InvalidInputError(
      options.argument,
      'has several labels, but is one of several masks of a picture, each of which is one label; give it alone.',
    );
  return mask;
}

async function drawn(
  picture: AnnotatedPicture,
  { argument, limits }: MaskOptions,
  { categories }: AnnotationTables,
): Promise<ReadMask> {
  checkSize(picture.width, picture.height, argument, limits);
  const { toLabelMap } = await import('../../annotations/model/to-label-map');
  const map = toLabelMap(picture, { labels: categories, file: argument });
  return reading(map, argument, map.labelNames);
}

function isAnnotatedPicture(input: unknown): input is AnnotatedPicture {
  return (
    typeof input === 'object' &&
    input !== null &&
    Array.isArray((input as Partial<AnnotatedPicture>).objects)
  );
}

/** The name of an annotation file; `undefined` for anything else. */
function annotationFile(input: ImageInput): string | undefined {
  const name = nameOf(input);
  return name !== undefined && /\.(json|xml)$/i.test(name.replace(/^(https?:[^?#]*).*$/i, '$1'))
    ? name
    : undefined;
}

/** Path, URL or file name, where an input has one. */
function nameOf(input: ImageInput): string | undefined {
  if (typeof input === 'string' || input instanceof URL)
    return /^(data|blob):/i.test(String(input)) ? undefined : String(input);
  const isFile = typeof Blob !== 'undefined' && input instanceof Blob && 'name' in input;
  return isFile ? String(input.name) : undefined;
}

async function fileOf(
  input: string | URL | Blob,
  name: string,
  options: MaskOptions,
  { files }: AnnotationTables,
): Promise<AnnotatedPicture[]> {
  const { readAnnotations } = await import('../../annotations/read-annotations');
  if (input instanceof Blob)
    return readAnnotations(new Uint8Array(await input.arrayBuffer()), options.argument);
  checkSource(options, /^https?:/i.test(name) ? 'urls' : 'files');
  let reading = files.get(name);
  if (!reading) {
    reading = imageCodec
      .read(name, options.signal)
      .then((bytes) => readAnnotations(bytes, options.argument));
    files.set(name, reading);
  }
  return reading;
}
