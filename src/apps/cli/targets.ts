import { readdir, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { listFrames } from '../../entries/video';
import { isPicture, naturally } from './pictures';
import { named, UsageError } from './usage-error';

/**
 * What the targets of a command line stand for:
 *
 * - what is there by that name is itself, whatever characters its name has, and a URL is itself, too;
 * - a directory is the pictures in it, by extension and in natural order, not those of its folders. A PNG beside a
 *   photograph of the same name is the photograph's mask, and no target;
 * - a pattern (`photos/*.jpg`, quoted so that the shell leaves it alone) is the pictures it matches, in natural order;
 * - anything else is itself, and fails by itself.
 *
 * @param tell is told what a directory or a pattern was read as.
 * @throws UsageError for a directory without pictures and a pattern that matches none.
 */
export async function expandTargets(
  given: readonly string[],
  tell: (line: string) => void,
): Promise<string[]> {
  const targets: string[] = [];
  for (const target of given) {
    const found = await stat(target).catch(() => null);
    if (found?.isDirectory()) targets.push(...(await picturesIn(target, tell)));
    else if (found || /^[a-z]{2,}:/i.test(target) || !isDynamicPattern(target))
      targets.push(target);
    else targets.push(...(await matching(target, tell)));
  }
  return targets;
}

async function picturesIn(directory: string, tell: (line: string) => void): Promise<string[]> {
  const pictures = await listFrames(directory);
  if (pictures.length === 0)
    throw new UsageError(
      `the directory "${directory}" holds no pictures; those in folders of it are not looked for ("${join(directory, '**')}" does).`,
    );
  const kept = new Set(pictures.map((path) => basename(path)));
  const masks = (await readdir(directory)).filter((name) => isPicture(name) && !kept.has(name));
  const left =
    masks.length > 0 ? `; left out ${masks.length} PNG beside a photograph of the same name` : '';
  tell(`${directory}: ${pictures.length} picture(s)${left}`);
  return pictures;
}

async function matching(pattern: string, tell: (line: string) => void): Promise<string[]> {
  // Patterns are written with slashes on every system.
  const files = await glob(sep === '\\' ? pattern.replaceAll(sep, '/') : pattern, {
    absolute: isAbsolute(pattern),
    expandDirectories: false,
  });
  const pictures = files.filter(isPicture).sort(naturally);
  const others = files.filter((file) => !isPicture(file));
  if (pictures.length === 0)
    throw new UsageError(
      others.length > 0
        ? `"${pattern}" matches no pictures, only ${named(others.sort(naturally))}.`
        : `"${pattern}" matches no files.`,
    );
  const left = others.length > 0 ? `; left out ${others.length} of other kinds` : '';
  tell(`${pattern}: ${pictures.length} picture(s)${left}`);
  return pictures;
}
