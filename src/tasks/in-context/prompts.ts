import { InvalidInputError } from '../../base/errors';
import type { RunOptions } from '../../base/progress';
import { decodeLimits } from '../../images/decode-limits';
import type { ImageInput, ImageSource } from '../../images/image-input';
import { resizeNearest } from '../../images/resize';
import { readImage, type RgbImage } from '../../images/rgb-image';
import { type LabelMap, labelsOf } from '../../masks/label-map';
import { checkNotEmpty } from '../../masks/read-mask';
import { type MaskInput, type MaskTables, readPromptMask } from './prompt-mask';

/** An example: a picture and what is marked in it. */
export interface Prompt {
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
   * Where pictures may come from. A server that is handed its users' strings wants `['memory']`: any string is a path or
   * a URL otherwise.
   * @default all of `files`, `urls` and `memory`
   */
  readonly sources?: readonly ImageSource[];
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
   * Join mask colours closer than this (0 … 441); needed for masks in lossy formats. Label maps of one channel hold no
   * colours and stay as they are.
   * @default none joined
   */
  readonly tolerance?: number;
  /** Stops reading. */
  readonly signal?: AbortSignal;
}

/** Prompts read and checked, as plain data. One set of labels serves all. */
export interface PromptSet {
  /** Pictures with their label maps, of one size each. */
  readonly prompts: readonly { readonly image: RgbImage; readonly mask: LabelMap }[];
  /** Every label that any mask shows, in increasing order. */
  readonly labels: readonly number[];
  /** A name for each of `labels`. */
  readonly names: readonly string[];
  /** Labels that colours of RGB masks were given. */
  readonly colors: ReadonlyMap<number, number>;
  /** Labels that names of annotations were given. */
  readonly categories: ReadonlyMap<string, number>;
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
 * @param known labels of mask colours and names of annotations met earlier, which they keep.
 * @throws InvalidInputError, ImageError, AbortedError
 */
export async function readPrompts(
  prompts: readonly Prompt[],
  options: ReadPromptOptions = {},
  known: Partial<Pick<PromptSet, 'colors' | 'categories'>> = {},
): Promise<PromptSet> {
  checkPromptList(prompts);
  const limits = decodeLimits(options.maxPixels);
  const { signal, tolerance, sources } = options;
  const tables: MaskTables = {
    colors: new Map(known.colors),
    categories: new Map(known.categories),
    files: new Map(),
  };
  const given = new Map<number, string>(); // names that masks bring with them
  const read: { image: RgbImage; mask: LabelMap }[] = [];
  const labels = new Set<number>();
  for (const [i, prompt] of prompts.entries()) {
    const argument = `prompts[${i}]`;
    if (
      typeof prompt !== 'object' ||
      prompt === null ||
      !('image' in prompt) ||
      !('mask' in prompt)
    ) {
      throw new InvalidInputError(argument, 'must have an image and a mask.');
    }
    const image = await readImage(prompt.image, {
      argument: `${argument}.image`,
      limits,
      signal,
      sources,
    });
    const found = await readPromptMask(
      prompt.mask,
      prompt.image,
      { argument: `${argument}.mask`, limits, signal, sources, tolerance },
      tables,
    );
    for (const [label, name] of Object.entries(found.labelNames ?? {}))
      addName(given, Number(label), name, `${argument}.mask`);
    let mask: LabelMap = { width: found.width, height: found.height, data: found.data };
    if (mask.width !== image.width || mask.height !== image.height) {
      if (!options.resizeMasks) {
        throw new InvalidInputError(
          `${argument}.mask`,
          `is ${mask.width} x ${mask.height} pixels, but its image is ${image.width} x ${image.height}; pass the option resizeMasks if the mask is to be resized.`,
        );
      }
      const { width, height } = image;
      mask = {
        width,
        height,
        data: resizeNearest(mask.data, [mask.height, mask.width, 1], [height, width]),
      };
    }
    checkNotEmpty(mask, `${argument}.mask`);
    for (const label of labelsOf(mask)) labels.add(label);
    read.push({ image, mask });
  }
  const sorted = [...labels].sort((a, b) => a - b);
  for (const [label, name] of Object.entries(options.labelNames ?? {})) {
    if (labels.has(Number(label))) continue;
    throw new InvalidInputError(
      'labelNames',
      `calls the label ${label} "${name}", but the prompts show ${sorted.join(', ')} alone.`,
    );
  }
  const colorOf = new Map(
    [...tables.colors].map(([color, label]) => [label, `#${color.toString(16).padStart(6, '0')}`]),
  );
  const names = sorted.map((label) => {
    const [name, color] = [given.get(label), colorOf.get(label)];
    if (name !== undefined && color !== undefined && name !== color)
      throw new InvalidInputError(
        'prompts',
        `mark the label ${label} both as "${name}" and by the colour ${color}; give masks of one kind, colours or names.`,
      );
    return options.labelNames?.[label] ?? name ?? color ?? String(label);
  });
  return {
    ...{ prompts: read, labels: sorted, names },
    ...{ colors: tables.colors, categories: tables.categories },
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

/** Reads the picture to be segmented. @throws InvalidInputError, ImageError, AbortedError */
export async function readTarget(
  target: ImageInput,
  { maxPixels, signal, sources }: TargetOptions = {},
): Promise<RgbImage> {
  const limits = decodeLimits(maxPixels);
  return readImage(target, { argument: 'target', limits, signal, sources });
}
