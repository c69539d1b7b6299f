import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isPicture, naturally, stemOf } from './pictures';
import { readAnnotatedFolder } from './annotated-folder';
import type { PromptPair } from './prompt-pairs';
import { named, UsageError } from './usage-error';

/**
 * The prompts of a folder, in the natural order of their names. It has one of these layouts:
 *
 * - `images/NAME.*` with `masks/NAME.*`, pictures of any kind;
 * - `NAME.jpg` (or any kind but PNG) beside `NAME.png`, its mask;
 * - those of VOC, DAVIS and YOLO (see `readAnnotatedFolder`).
 *
 * Every picture must have its mask, and every mask its picture; files that are no pictures do not count.
 *
 * @param tell is told which layout was read, and how many prompts.
 * @throws UsageError naming the files without a partner, of one name, or of both layouts at once.
 */
export async function readPromptFolder(
  folder: string,
  tell: (line: string) => void,
): Promise<PromptPair[]> {
  const annotated = await readAnnotatedFolder(folder, tell);
  if (annotated) return annotated;
  const direct = await picturesIn(folder);
  const [images, masks] = [join(folder, 'images'), join(folder, 'masks')];
  const [hasImages, hasMasks] = [await isDirectory(images), await isDirectory(masks)];
  const layout = hasImages && hasMasks ? 'images/NAME with masks/NAME' : 'NAME.jpg beside NAME.png';
  let pairs: PromptPair[];
  if (hasImages && hasMasks) {
    if (direct.length > 0)
      throw new UsageError(
        `--prompt ${folder}: it is not clear which files are prompts: there are images/ and masks/, but ${named(direct)} beside them; move those away.`,
      );
    pairs = matched(await picturesIn(images), await picturesIn(masks));
  } else {
    const isMask = (path: string) => /\.png$/i.test(path);
    pairs = matched(
      direct.filter((path) => !isMask(path)),
      direct.filter(isMask),
    );
  }
  if (pairs.length === 0)
    throw new UsageError(
      `--prompt ${folder}: it holds no prompts; put NAME.jpg beside NAME.png, or images/NAME with masks/NAME, into it.`,
    );
  tell(`${folder}: ${pairs.length} prompt(s), ${layout}`);
  return pairs;

  /** Each image with the mask of its name. */
  function matched(pictures: readonly string[], drawn: readonly string[]): PromptPair[] {
    const [imageOf, maskOf] = [byName(pictures), byName(drawn)];
    const alone = [
      ...lonely(imageOf, maskOf, 'has no mask', 'have no mask'),
      ...lonely(maskOf, imageOf, 'is the mask of no picture', 'are the masks of no picture'),
    ];
    if (alone.length > 0)
      throw new UsageError(
        `--prompt ${folder}: ${alone.join('; ')} (read as ${layout}). Give each its partner, or move it away.`,
      );
    return [...imageOf].map(([name, image]) => ({ image, mask: maskOf.get(name)! }));
  }

  /** @throws UsageError where two files share a name but for their extensions. */
  function byName(paths: readonly string[]): Map<string, string> {
    const found = new Map<string, string>();
    for (const path of paths) {
      const name = stemOf(basename(path));
      const other = found.get(name);
      if (other !== undefined)
        throw new UsageError(
          `--prompt ${folder}: ${named([other, path])} share a name, so it is not clear which belongs to it; move one away.`,
        );
      found.set(name, path);
    }
    return found;
  }
}

function lonely(
  these: ReadonlyMap<string, string>,
  those: ReadonlyMap<string, string>,
  one: string,
  several: string,
): string[] {
  const files = [...these].filter(([name]) => !those.has(name)).map(([, file]) => file);
  return files.length > 0 ? [`${named(files)} ${files.length > 1 ? several : one}`] : [];
}

/** Paths of the pictures in a directory, in natural order. */
async function picturesIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter(isPicture);
  return names.sort(naturally).map((name) => join(directory, name));
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}
