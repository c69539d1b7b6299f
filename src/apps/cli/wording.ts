import type { Command } from 'commander';
import { InvalidInputError } from '../../index';
import { flagName } from './flags';
import type { PromptPair } from './prompt-pairs';

/** The library's messages, in the words of the command line. */
export class Wording {
  private readonly flags: ReadonlySet<string>;

  /** @param program whose commands have the flags. */
  constructor(program: Command) {
    this.flags = new Set(
      program.commands.flatMap(({ options }) => options.flatMap(({ long }) => long ?? [])),
    );
  }

  /** `--max-pixels` for the option `maxPixels`; `undefined` if no command has such a flag. */
  flagOf(option: string): string | undefined {
    const flag = flagName(option);
    return this.flags.has(flag) ? flag : undefined;
  }

  /**
   * A message in which `the option maxPixels` is `--max-pixels`, and so on for every flag there is. Of an option without
   * one, an environment variable that does the same remains: `the option token or HF_TOKEN` is `HF_TOKEN`.
   */
  inFlags(message: string): string {
    return message.replace(
      /(?:the )?option ([a-z]\w*)(?: or ([A-Z][A-Z_]+))?/g,
      (words, option: string, variable?: string) => {
        const flag = this.flagOf(option);
        if (!flag) return variable ?? words;
        return variable ? `${flag} or ${variable}` : flag;
      },
    );
  }
}

/**
 * Does work on prompts, and names them by their files where the library counts them: `--prompt cup.png` is
 * `prompts[0].mask`.
 *
 * @param firstMask the mask of a first frame, which the library counts before the prompts.
 */
export async function namingPrompts<Value>(
  { prompts, firstMask }: { prompts: readonly PromptPair[]; firstMask?: string },
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const place =
      error instanceof InvalidInputError && /^prompts\[(\d+)\]\.(image|mask)$/.exec(error.argument);
    if (!place) throw error;
    const shift = firstMask === undefined ? 0 : 1;
    const prompt = prompts[Number(place[1]) - shift] as PromptPair | undefined;
    const file = prompt
      ? `--${prompt.example ? 'concept' : 'prompt'} ${prompt[place[2] as 'image' | 'mask']}`
      : place[2] === 'mask'
        ? `--first-mask ${firstMask}`
        : 'the first frame';
    throw new InvalidInputError(file, error.detail, { cause: error });
  }
}
