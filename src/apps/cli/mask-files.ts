import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type AnnotatedPicture, ImageError } from '../../index';
import { nameFiles, readLabelTiff, readYolo, readYoloNames } from '../../entries/annotations';
import { shownSize } from './shown-size';
import { named, UsageError } from './usage-error';

/** What the mask of a pair of files is, where the library cannot know it by itself. */
export type MaskFile =
  { readonly masks: readonly string[] } | { readonly annotated: AnnotatedPicture };

/** In how many folders class names are looked for: the labels' own and those above. */
const LEVELS = 3;

/**
 * Reads the mask of `--prompt IMAGE MASK`: several files joined by `+`, each a label, numbered from 1 in their order; a text file of
 * YOLO; a label TIFF. A file that has the whole name is that file.
 *
 * @returns null for what the library reads by itself.
 * @throws UsageError for files that are not there; InvalidInputError, ImageError as the format's reader has it.
 */
export async function readMaskFile(image: string, mask: string): Promise<MaskFile | null> {
  if (/^[a-z]{2,}:/i.test(mask)) return null; // a URL
  if (mask.includes('+') && !existsSync(mask)) return { masks: several(mask) };
  if (/\.txt$/i.test(mask)) {
    const [names, path] = await classNames(mask);
    const size = await shownSize(image);
    const content = await bytesOf(mask);
    return {
      annotated: readYolo(content, {
        ...size,
        file: mask,
        names: names && readYoloNames(names, path),
      }),
    };
  }
  if (/\.tiff?$/i.test(mask)) return labelTiff(mask);
  return null;
}

/** Whole numbers of any size are labels; colours, and what is packed otherwise, are a picture like any other. */
async function labelTiff(mask: string): Promise<MaskFile | null> {
  const bytes = await bytesOf(mask);
  try {
    return { annotated: await readLabelTiff(bytes, mask) };
  } catch (error) {
    if (error instanceof ImageError) return null;
    throw error;
  }
}

function several(mask: string): string[] {
  const files = mask.split('+');
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0)
    throw new UsageError(
      `--prompt: of the masks "${mask}", which "+" joins, ${named(missing)} ${missing.length > 1 ? 'are' : 'is'} not there.`,
    );
  return files;
}

/** The file of class names beside a text file of YOLO, or in one of the folders above. */
async function classNames(file: string): Promise<[content?: Buffer, path?: string]> {
  let folder = dirname(file);
  for (let level = 0; level < LEVELS; level++, folder = join(folder, '..')) {
    for (const name of nameFiles.yolo) {
      const path = join(folder, name);
      if (existsSync(path) && name !== basename(file)) return [await readFile(path), path];
    }
  }
  return [];
}

function bytesOf(file: string): Promise<Buffer> {
  return readFile(file).catch((error: Error) => {
    throw new UsageError(`--prompt: "${file}" cannot be read (${error.message}).`);
  });
}
