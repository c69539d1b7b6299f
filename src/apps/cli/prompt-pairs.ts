import { statSync } from 'node:fs';
import type { AnnotatedPicture, MaskPrompt, Prompt } from '../../index';
import { isAnnotationFile, readPromptFile } from './annotation-file';
import { type Clicks, parseClicks } from './clicks';
import { readMaskFile } from './mask-files';
import { readPromptFolder } from './prompt-folder';

/** Separates the two values of one `--prompt`; it cannot occur in a path. */
const SEPARATOR = '\0';

/** An example and its mask, by paths or URLs. */
export interface PromptPair {
  readonly image: string;
  readonly mask: string;
  /** What the mask's file says, where it is not for the library to read by itself. */
  readonly annotated?: AnnotatedPicture;
  /** Several masks of the picture, each a label. */
  readonly masks?: readonly string[];
  /** Clicks that stand in the mask's place. */
  readonly clicks?: Clicks;
  /** An example of a concept, which has no files of its own: `image` and `mask` name it in messages. */
  readonly example?: MaskPrompt;
}

/** Pairs as the library takes them. */
export function asPrompts(pairs: readonly PromptPair[]): Prompt[] {
  return pairs.map(({ image, mask, masks, annotated, clicks, example }) => {
    if (example) return example;
    return clicks ? { image, ...clicks } : { image, mask: annotated ?? masks ?? mask };
  });
}

/** What one `--prompt` names: a pair, or a folder or an annotation file of them. */
export type PromptFlag =
  PromptPair | { readonly folder: string } | { readonly annotations: string };

/**
 * Argument parsers have no options of exactly two values, so `--prompt IMAGE MASK` becomes one value. A directory
 * and an annotation file stand alone: what follows them is none of theirs. Wherever a value is missing, the parser is left to complain.
 */
export function joinPairs(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    joined.push(argv[i]);
    if (argv[i] === '--') return [...joined, ...argv.slice(i + 1)];
    const pair = argv.slice(i + 1, i + 3);
    if (
      argv[i] === '--prompt' &&
      pair.length === 2 &&
      !pair.some((value) => value.startsWith('--')) &&
      !isDirectory(pair[0]) &&
      !isAnnotationFile(pair[0])
    ) {
      joined.push(pair.join(SEPARATOR));
      i += 2;
    }
  }
  return joined;
}

/** Reads a joined value again; `null` if it is neither a pair, a directory nor an annotation file. */
export function parsePrompt(value: string): PromptFlag | null {
  const [image, mask] = value.split(SEPARATOR);
  if (image && mask) return { image, mask };
  if (mask !== undefined) return null;
  if (isDirectory(value)) return { folder: value };
  return isAnnotationFile(value) ? { annotations: value } : null;
}

/** Reads the folders and annotation files among prompts. @throws UsageError as their readers have it. */
export async function expandPrompts(
  prompts: readonly PromptFlag[],
  tell: (line: string) => void,
): Promise<PromptPair[]> {
  const pairs: PromptPair[] = [];
  for (const prompt of prompts) {
    if ('folder' in prompt) pairs.push(...(await readPromptFolder(prompt.folder, tell)));
    else if ('annotations' in prompt)
      pairs.push(...(await readPromptFile(prompt.annotations, tell)));
    else {
      const clicks = parseClicks(prompt.mask);
      pairs.push({
        ...prompt,
        ...(clicks ? { clicks } : await readMaskFile(prompt.image, prompt.mask)),
      });
    }
  }
  return pairs;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // what cannot be looked at is a file's name; whoever reads it tells the reason
  }
}
