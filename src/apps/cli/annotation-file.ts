import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readAnnotations } from '../../entries/annotations';
import type { PromptPair } from './prompt-pairs';
import { named, UsageError } from './usage-error';

/** Whether a path is that of an annotation file, which may be the mask of an image, or many prompts. */
export function isAnnotationFile(path: string): boolean {
  return /\.(json|xml)$/i.test(path);
}

/**
 * The prompts of an annotation file: its pictures in which something is marked. They are looked for beside the file, in
 * `images/` beside it, and in the same places of the folder above, as COCO's own layout has annotations in a folder.
 *
 * @param tell is told how many there are, and how many pictures have nothing marked.
 * @throws UsageError for pictures that are not there, and files in which nothing is marked.
 */
export async function readPromptFile(
  file: string,
  tell: (line: string) => void,
): Promise<PromptPair[]> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new UsageError(`--prompt ${file}: it cannot be read (${error.message}).`);
  });
  const pictures = await readAnnotations(bytes, `--prompt ${file}`);
  const marked = pictures.filter(({ objects }) => objects.length > 0);
  if (marked.length === 0) throw new UsageError(`--prompt ${file}: nothing is marked in it.`);
  const pairs: PromptPair[] = [];
  const missing: string[] = [];
  for (const picture of marked) {
    if (picture.file === undefined)
      throw new UsageError(
        `--prompt ${file}: it does not name its picture; give both: --prompt IMAGE ${file}.`,
      );
    const image = await find(picture.file.replaceAll('\\', '/'), dirname(file));
    if (image === undefined) missing.push(picture.file);
    else pairs.push({ image, mask: file });
  }
  if (missing.length > 0)
    throw new UsageError(
      `--prompt ${file}: ${named(missing)} cannot be found beside it, in images/, or in the folder above; move the file to its pictures, or give them one by one: --prompt IMAGE ${file}.`,
    );
  const bare = pictures.length - marked.length;
  const left = bare > 0 ? `; left out ${bare} picture(s) in which nothing is marked` : '';
  tell(`${file}: ${pairs.length} prompt(s)${left}`);
  return pairs;
}

async function find(name: string, folder: string): Promise<string | undefined> {
  if (/^https?:/i.test(name)) return name;
  for (const base of [folder, join(folder, 'images'), dirname(folder), join(folder, '../images')]) {
    const path = join(base, name);
    if ((await stat(path).catch(() => null))?.isFile()) return path;
  }
  return undefined;
}
