import { InvalidInputError } from '../../base/errors';
import type { RunOptions } from '../../base/progress';
import { type Color, colorize, type ColorScheme } from '../../colors/color-mapping';
import { decodeLimits } from '../../images/decode-limits';
import type { Orientation } from '../../images/decoded-image';
import type { ImageInput, ImageSource } from '../../images/image-input';
import type { Window } from '../../images/ranges';
import { inputName } from '../../images/read-input';
import { resizeNearest } from '../../images/resize';
import { type ReadPicture, readImage, type RgbImage } from '../../images/rgb-image';
import { warn } from '../../base/warn';
import { channelsOf, colorName } from '../../masks/indexed-colors';
import { type LabelMap, labelsOf } from '../../masks/label-map';
import { agreeOnLabels, type LabelSpace } from '../../masks/label-space';
import { type MaskReading, tellNotes } from '../../masks/mask-reading';
import { checkNotEmpty } from '../../masks/read-mask';
import {
  type AnnotationTables,
  type MaskInput,
  readPromptMask,
  type ReadMask,
} from './prompt-mask';
import type { ClickedPrompt } from './clicked-prompt';

/** An example: a picture with its mask, or one in which an object is pointed at. */
export type Prompt = MaskPrompt | ClickedPrompt;

/** An example: a picture and what is marked in it. */
export interface MaskPrompt {
  /** The picture. */
  readonly image: ImageInput;
  /**
   * What is marked in the picture, of the picture's size: labels of its pixels (0 or black is background), or masks,
   * run-lengths, outlines or annotations.
   */
  readonly mask: MaskInput;
}

/** What may be read. */
export interface ReadOptions {
  /** Most pixels any picture may have. @default 100 million */
  readonly maxPixels?: number;
  /**
   * Draw SVG, in Node: a drawing of few bytes can ask for hours of work, so it is for drawings of your own.
   * @default false
   */
  readonly svg?: boolean;
  /**
   * Where pictures may come from. A server that is handed its users' strings wants `['memory']`: any string is a path or
   * a URL otherwise.
   * @default all of `files`, `urls` and `memory`
   */
  readonly sources?: readonly ImageSource[];
  /**
   * Which way up pictures are: `upright`, turned as EXIF says, or as their pixels are `stored`. Masks that were made by tools
   * that know no EXIF belong to the stored pixels.
   * @default 'upright'
   */
  readonly orientation?: Orientation;
  /**
   * Values that are shown as black and as white, with all between stretched; for pictures of more than 8 bits.
   * @default by the type where values span it; elsewhere 10, 12 or 14 bits of 16, or all but a thousandth at either end, with
   * a warning
   */
  readonly window?: Window;
}

/** How one target is read and segmented. */
export interface TargetOptions extends ReadOptions, RunOptions {}

/** How prompts are read: names, sizes and colours of their masks. */
export interface ReadPromptOptions extends ReadOptions {
  /** Names of labels that the prompts show, e.g. `{ 1: 'cup' }`. @default their colours, or their numbers */
  readonly labelNames?: Readonly<Record<number, string>>;
  /** Bring masks to the size of their image by nearest, instead of refusing them. @default false */
  readonly resizeMasks?: boolean;
  /**
   * Join mask colours closer than this (0 … 441) to the more frequent one. Soft edges and the traces of JPEG are joined
   * without it; where it is not clear what they are, it says that they are to be joined, and 0 that they are not.
   * @default what is clearly soft edges is joined
   */
  readonly tolerance?: number;
  /**
   * Value of mask pixels that are left out, as PASCAL VOC's borders: they are no label. 0 leaves out none. Masks of
   * colours have no values.
   * @default 255 in palette and grey masks that look like PASCAL VOC's
   */
  readonly ignore?: number;
  /** Stops reading. */
  readonly signal?: AbortSignal;
}

/** A prompt read and checked: a picture with its label map, of one size. */
export interface ReadPrompt {
  /** The picture, 8-bit RGB. */
  readonly image: RgbImage;
  /** Labels of its pixels, of the picture's size. */
  readonly mask: LabelMap;
  /** The mask as it was given, `(height, width, 3)` RGB, where its own colours are to be painted. */
  readonly colors?: Uint8Array;
}

/** Prompts read and checked, as plain data. One set of labels serves all. */
export interface PromptSet {
  /** Pictures with their label maps, of one size each. */
  readonly prompts: readonly ReadPrompt[];
  /** Every label that any mask shows, in increasing order. */
  readonly labels: readonly number[];
  /** A name for each of `labels`. */
  readonly names: readonly string[];
  /** Labels that colours of RGB masks were given. */
  readonly colors: ReadonlyMap<number, number>;
  /** Labels that names of annotations were given. */
  readonly categories: ReadonlyMap<string, number>;
  /** The colour that each label has in the masks, where these are to be painted. */
  readonly ownColors?: ReadonlyMap<number, Color>;
  /** What labels mean, for masks that are read later. */
  readonly space: LabelSpace;
}

/** @throws InvalidInputError if it is no list, or an empty one. */
export function checkPromptList(prompts: readonly Prompt[]): void {
  if (!Array.isArray(prompts)) {
    throw new InvalidInputError('prompts', 'must be an array of { image, mask }.');
  }
  if (prompts.length === 0) {
    throw new InvalidInputError(
      'prompts',
      'is empty; give at least one { image, mask } to segment by.',
    );
  }
}

/**
 * Reads prompts before any heavy work.
 *
 * @param options with `colors: 'mask'`, masks keep their own colours.
 * @param known what labels and names of annotations mean already, where prompts are added to others.
 * @throws InvalidInputError, ImageError, AbortedError
 */
export async function readPrompts(
  prompts: readonly MaskPrompt[],
  options: ReadPromptOptions & { readonly colors?: ColorScheme } = {},
  known?: Pick<PromptSet, 'space' | 'categories'>,
): Promise<PromptSet> {
  checkPromptList(prompts);
  const tables: AnnotationTables = { categories: new Map(known?.categories), files: new Map() };
  const given = new Map<number, string>(); // names that masks bring with them
  const images: RgbImage[] = [];
  const readings: MaskReading[] = [];
  for (const [i, prompt] of prompts.entries()) {
    const argument = `prompts[${i}]`;
    const { image, reading } = await readPrompt(prompt, argument, options, tables);
    for (const [label, name] of Object.entries(reading.labelNames ?? {}))
      addName(given, Number(label), name, `${argument}.mask`);
    images.push(image);
    readings.push(reading);
  }
  const agreed = agreeOnLabels(readings, options.tolerance, known?.space);
  const maps = images.map((image, i) => ({ image, mask: sized(agreed.maps[i], image) }));
  const labels = new Set<number>();
  for (const [i, { mask }] of maps.entries()) {
    checkNotEmpty(mask, `prompts[${i}].mask`);
    for (const label of labelsOf(mask)) labels.add(label);
  }
  const sorted = [...labels].sort((a, b) => a - b);
  for (const [label, name] of Object.entries(options.labelNames ?? {})) {
    if (labels.has(Number(label))) continue;
    throw new InvalidInputError(
      'labelNames',
      `calls the label ${label} "${name}", but the prompts show ${sorted.join(', ')} alone${label === '255' ? ' (a mask of 0 and 255 alone is black and white: its label is 1)' : ''}.`,
    );
  }
  const { colors } = agreed.space;
  const colorOf = new Map([...colors].map(([color, label]) => [label, colorName(color)]));
  const names = sorted.map((label) => {
    const [name, color] = [given.get(label), colorOf.get(label)];
    if (name !== undefined && color !== undefined && name !== color)
      throw new InvalidInputError(
        'prompts',
        `mark the label ${label} both as "${name}" and by the colour ${color}; give masks of one kind, colours or names.`,
      );
    return options.labelNames?.[label] ?? name ?? color ?? String(label);
  });
  const { categories } = tables;
  const read =
    options.colors === 'mask'
      ? maps.map((each, i) => ({ ...each, colors: colorsOf(each.mask, readings[i], sorted) }))
      : maps;
  const ownColors = options.colors === 'mask' ? commonColors(read) : undefined;
  return {
    prompts: read,
    labels: sorted,
    names,
    colors,
    space: agreed.space,
    categories,
    ownColors,
  };
}

/** @throws InvalidInputError if prompts call a label by different names. */
function addName(names: Map<number, string>, label: number, name: string, argument: string): void {
  if (name === String(label)) return; // that is what a label without a name is called
  const other = names.get(label);
  if (other !== undefined && other !== name)
    throw new InvalidInputError(
      argument,
      `calls the label ${label} "${name}", but another prompt calls it "${other}"; give different labels to different things.`,
    );
  names.set(label, name);
}

/** Reads one prompt by itself, and checks that its mask fits its picture. */
async function readPrompt(
  prompt: MaskPrompt,
  argument: string,
  options: ReadPromptOptions & { readonly colors?: ColorScheme },
  tables: AnnotationTables,
): Promise<{ readonly image: RgbImage; readonly reading: ReadMask }> {
  if (
    typeof prompt !== 'object' ||
    prompt === null ||
    !('image' in prompt) ||
    !('mask' in prompt)
  ) {
    throw new InvalidInputError(
      argument,
      'must have an image and a mask, or an image with points, a box, a scribble or a polygon.',
    );
  }
  const { signal, sources, orientation, window, tolerance, ignore } = options;
  const reading = { limits: decodeLimits(options), signal, sources, orientation };
  const image = await readImage(prompt.image, {
    ...{ ...reading, window },
    argument: `${argument}.image`,
  });
  const keepColors = options.colors === 'mask';
  const masking = { ...reading, tolerance, ignore, keepColors, argument: `${argument}.mask` };
  const mask = await readPromptMask(prompt.mask, prompt.image, masking, tables);
  checkFits(mask, image, inputName(prompt.image, `${argument}.image`), options);
  tellNotes(mask);
  return { image, reading: mask };
}

/** Orientations that exchange width and height (EXIF's 5 to 8). */
const isSideways = (orientation = 1) => orientation >= 5;

/**
 * @param name names the picture in a warning.
 * @throws InvalidInputError for a mask of another size than its picture, unless it is to be resized.
 */
function checkFits(
  mask: MaskReading,
  image: ReadPicture,
  name: string,
  { resizeMasks, orientation }: ReadPromptOptions,
): void {
  const turned = (image.orientation ?? 1) > 1;
  if (mask.width === image.width && mask.height === image.height) {
    // Sizes tell what the mask belongs to only where turning changes them.
    const tells = isSideways(image.orientation) && image.width !== image.height;
    if (turned && !tells && orientation === undefined)
      warn(
        'ORIENTATION',
        `${name}: the picture is turned by EXIF (orientation ${image.orientation}), and its mask is taken to belong to the turned picture. Pass the option orientation ('stored') if it belongs to the stored pixels, or ('upright') if all is well.`,
      );
    return;
  }
  const transposed = mask.width === image.height && mask.height === image.width;
  const sizes = `is ${mask.width} x ${mask.height} pixels, but its image is ${image.width} x ${image.height}`;
  if (transposed && turned && isSideways(image.orientation)) {
    throw new InvalidInputError(
      mask.argument,
      orientation === 'stored'
        ? `${sizes}: the image is read as its pixels are stored, and the mask belongs to it as EXIF turns it (orientation ${image.orientation}); leave out the option orientation.`
        : `${sizes}: the photograph is turned by EXIF (orientation ${image.orientation}) and its mask is not; pass the option orientation ('stored') to read both as their pixels are stored, or turn the mask.`,
    );
  }
  if (!resizeMasks) {
    throw new InvalidInputError(
      mask.argument,
      `${sizes}${transposed ? ', as if one of them were turned; turn the mask' : '; pass the option resizeMasks if the mask is to be resized'}.`,
    );
  }
}

/** A mask's own colours at the size of its picture. One that has none is white, where there is one label alone. */
function colorsOf(
  mask: LabelMap,
  { width, height, shown, argument }: MaskReading,
  labels: readonly number[],
): Uint8Array {
  if (shown) return resizeNearest(shown, [height, width, 3], [mask.height, mask.width]);
  if (labels.length > 1)
    throw new InvalidInputError(
      argument,
      `has no colours of its own, and the prompts show ${labels.length} labels; choose other colors than "mask".`,
    );
  return colorize(mask.data, { labels, colors: [[255, 255, 255]] });
}

/** The colour that each label has most often: soft edges have others. */
function commonColors(prompts: readonly ReadPrompt[]): Map<number, Color> {
  const counts = new Map<number, Map<number, number>>();
  for (const { mask, colors } of prompts) {
    if (!colors) continue;
    for (let i = 0; i < mask.data.length; i++) {
      const label = mask.data[i];
      if (label === 0) continue;
      const color = (colors[i * 3] << 16) | (colors[i * 3 + 1] << 8) | colors[i * 3 + 2];
      let ofLabel = counts.get(label);
      if (!ofLabel) counts.set(label, (ofLabel = new Map()));
      ofLabel.set(color, (ofLabel.get(color) ?? 0) + 1);
    }
  }
  return new Map(
    [...counts].map(([label, ofLabel]) => {
      const [[most]] = [...ofLabel].sort((a, b) => b[1] - a[1]);
      return [label, channelsOf(most)];
    }),
  );
}

/** A mask at the size of its picture. */
function sized(mask: LabelMap, { width, height }: RgbImage): LabelMap {
  if (mask.width === width && mask.height === height) return mask;
  const data = resizeNearest(mask.data, [mask.height, mask.width, 1], [height, width]);
  return { width, height, data };
}

/** Reads the picture to be segmented. @throws InvalidInputError, ImageError, AbortedError */
export async function readTarget(
  target: ImageInput,
  options: TargetOptions = {},
  argument = 'target',
): Promise<RgbImage> {
  const { signal, sources, orientation, window } = options;
  const limits = decodeLimits(options);
  return readImage(target, { argument, limits, signal, sources, orientation, window });
}
