import { InvalidInputError } from '../../base/errors';
import { decodeLimits } from '../../images/decode-limits';
import type { LabelMap } from '../../masks/label-map';
import { readMask } from '../../masks/read-mask';
import { VOID } from '../../masks/void';
import { vocClasses, vocColor } from '../formats/voc-colors';
import type { AnnotatedObject, AnnotatedPicture, Category } from '../model/annotated-picture';
import { type TextInput, textOf } from '../model/entry';
import { objectsOfLabels } from '../model/objects-of-labels';

/** A class and its colour, as a line of `labelmap.txt` has it. */
export interface VocClass {
  /** What people call it. */
  readonly name: string;
  /** RGB 0 … 255. */
  readonly color: readonly [number, number, number];
}

/** What belongs to a VOC mask. */
export interface VocOptions {
  /** The file in `SegmentationObject`: which pixels belong to one object. @default all of a class are one object */
  readonly objects?: Uint8Array;
  /** What `labelmap.txt` lists, from background on ({@link readVocClasses}). @default VOC's own 20 classes */
  readonly classes?: readonly VocClass[];
  /** What messages call the files. @default 'VOC mask' */
  readonly file?: string;
}

/** VOC's own list, background first. */
const OWN: readonly VocClass[] = ['background', ...vocClasses].map((name, index) => ({
  name,
  color: vocColor(index),
}));

/** Objects have no names; in RGB files they have the colours of VOC's palette. */
const NUMBERED: readonly VocClass[] = Array.from({ length: VOID }, (_, index) => ({
  name: String(index),
  color: vocColor(index),
}));

/**
 * Reads one picture of a VOC folder (PASCAL VOC 2012 development kit, section 9): its PNG in `SegmentationClass`, whose palette
 * indices are classes, and where given the one in `SegmentationObject`, whose indices are objects. RGB files, as CVAT and
 * Datumaro write them, are read by the colours of their `labelmap.txt`. 0 is background; 255, the void at borders, belongs to
 * nothing and becomes background, too.
 *
 * @param segmentationClass bytes of a PNG.
 * @throws InvalidInputError for an index or colour without a class, and sizes that differ; ImageError for what is no picture.
 */
export async function readVoc(
  segmentationClass: Uint8Array,
  options: VocOptions = {},
): Promise<AnnotatedPicture> {
  const { classes = OWN, file = 'VOC mask' } = options;
  const map = await indices(segmentationClass, file, classes);
  const { width, height } = map;
  const categories: Category[] = classes
    .map(({ name }, number) => ({ name, number }))
    .filter(({ number }) => number > 0);
  const nameOf = (index: number) => {
    const found = classes[index];
    if (index > 0 && found) return found.name;
    throw new InvalidInputError(
      file,
      `has the class ${index}, but there are names for 1 to ${classes.length - 1} alone; pass classes, from labelmap.txt.`,
    );
  };
  if (!options.objects) return { width, height, objects: objectsOfLabels(map, nameOf), categories };
  const instances = await indices(options.objects, `${file} (SegmentationObject)`, NUMBERED);
  if (instances.width !== width || instances.height !== height)
    throw new InvalidInputError(
      file,
      `has ${width} x ${height} pixels, but its objects ${instances.width} x ${instances.height}.`,
    );
  const objects = objectsOfLabels(instances, String).map((object): AnnotatedObject => {
    const { mask } = object as { mask: { x: number; y: number; width: number; data: Uint8Array } };
    const inside = mask.data.indexOf(1); // an object is of one class, so any of its pixels tells
    const at = (mask.y + Math.floor(inside / mask.width)) * width + mask.x + (inside % mask.width);
    return { ...object, name: nameOf(map.data[at]) };
  });
  return { width, height, objects, categories };
}

/** Palette indices, or those of an RGB file's colours; void is 0. */
async function indices(
  bytes: Uint8Array,
  file: string,
  classes: readonly VocClass[],
): Promise<LabelMap> {
  const void224 = 0xe0e0c0; // VOC's palette has it for 255
  const table = new Map<number, number>([[void224, VOID]]);
  classes.forEach(({ color: [r, g, b] }, index) => {
    if (index > 0) table.set((r << 16) | (g << 8) | b, index);
  });
  const known = table.size;
  const { width, height, data } = await readMask(
    bytes,
    // Indices are classes, whatever they look like: none is joined to another, and 255 is never white.
    { argument: file, limits: decodeLimits(), tolerance: 0, ignore: VOID },
    table,
  );
  if (table.size > known) {
    const color = [...table.keys()][known].toString(16).padStart(6, '0');
    throw new InvalidInputError(file, `has the colour #${color}, which no class has.`);
  }
  return { width, height, data: data.map((index) => (index === VOID ? 0 : index)) };
}

/**
 * Reads `labelmap.txt`, as CVAT and Datumaro put it beside VOC folders: lines `name:r,g,b:parts:actions`, of which the first
 * two count; a class without a colour has that of VOC's palette. Lines that begin with `#` do not count. Where the first class
 * is neither black nor called background, background is put before it.
 *
 * @throws InvalidInputError naming the line.
 */
export function readVocClasses(input: TextInput, file = 'labelmap.txt'): VocClass[] {
  const listed: { name: string; color?: number[] }[] = [];
  for (const [i, line] of textOf(input, file).split(/\r?\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, levels] = /^([^:]+):(\d{1,3},\d{1,3},\d{1,3})?(?::|$)/.exec(line.trim()) ?? [];
    const color = levels?.split(',').map(Number);
    if (name === undefined || color?.some((level) => level > 255))
      throw new InvalidInputError(file, `line ${i + 1} is no "name:r,g,b::".`);
    listed.push({ name, color });
  }
  const [first] = listed;
  const begins = first?.name === 'background' || (first?.color?.every((level) => !level) ?? false);
  if (!begins) listed.unshift({ name: 'background' });
  return listed.map(({ name, color }, index) => ({
    name,
    color: (color as VocClass['color'] | undefined) ?? vocColor(index),
  }));
}
