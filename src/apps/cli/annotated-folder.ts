import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import {
  findFolderPairs,
  readDavis,
  readVoc,
  readVocClasses,
  readYolo,
  readYoloNames,
} from '../../entries/annotations';
import type { PromptPair } from './prompt-pairs';
import { shownSize } from './shown-size';
import { named, UsageError } from './usage-error';

const TITLE = { voc: 'VOC', davis: 'DAVIS', yolo: 'YOLO' } as const;

/**
 * The prompts of a folder in the layout of VOC, DAVIS or YOLO; `null` if it has none of them. Pictures in which nothing is
 * marked are left out.
 *
 * @param tell is told which layout was read, and how many prompts.
 * @throws UsageError for annotations without a picture; InvalidInputError, ImageError as the format's reader has it.
 */
export async function readAnnotatedFolder(
  folder: string,
  tell: (line: string) => void,
): Promise<PromptPair[] | null> {
  const entries = await readdir(folder, { recursive: true });
  const found = findFolderPairs(entries.map((path) => path.split(sep).join('/')));
  if (!found) return null;
  const { layout, pairs, names, alone } = found;
  if (alone.length > 0)
    throw new UsageError(
      `--prompt ${folder}: ${named(alone)} ${alone.length > 1 ? 'have' : 'has'} no picture (read as ${TITLE[layout]}). Give each its picture, or move it away.`,
    );
  const bytes = (path: string) => readFile(join(folder, path));
  const listed = names === undefined ? undefined : await bytes(names);
  const prompts: PromptPair[] = [];
  for (const { image, annotation, objects } of pairs) {
    const [path, file] = [join(folder, image), join(folder, annotation)];
    const content = await bytes(annotation);
    const picture =
      layout === 'davis'
        ? await readDavis(content, file)
        : layout === 'voc'
          ? await readVoc(content, {
              file,
              objects: objects === undefined ? undefined : await bytes(objects),
              classes: listed && readVocClasses(listed, names),
            })
          : readYolo(content, {
              ...(await shownSize(path)),
              file,
              names: listed && readYoloNames(listed, names),
            });
    if (picture.objects.length > 0) prompts.push({ image: path, mask: file, annotated: picture });
  }
  if (prompts.length === 0)
    throw new UsageError(`--prompt ${folder}: nothing is marked in it (read as ${TITLE[layout]}).`);
  const bare = pairs.length - prompts.length;
  const left = bare > 0 ? `; left out ${bare} picture(s) in which nothing is marked` : '';
  tell(`${folder}: ${prompts.length} prompt(s), ${TITLE[layout]}${left}`);
  return prompts;
}
