import type { Command } from 'commander';
import { Concept } from '../../entries/concepts';
import type { PromptPair } from './prompt-pairs';
import { UsageError } from './usage-error';

/** What a command knows of its examples before they are read. */
interface ExampleFlags {
  readonly prompt?: readonly unknown[];
  readonly concept?: string;
}

/** Flags with what a concept brings. */
export interface WithConcept {
  /** The concept's examples. */
  readonly examples: readonly PromptPair[];
  /** Names of the options that a flag or the concept gave, and that are not just defaults. */
  readonly chosen: readonly string[];
}

/**
 * Reads the concept that `--concept` names: its examples are `examples`, and its options hold where no flag was given.
 *
 * @param leftOut options of single pictures that the command does not have.
 * @throws InvalidInputError, AbortedError
 */
export async function withConcept<Flags extends ExampleFlags>(
  flags: Flags,
  command: Command,
  signal: AbortSignal,
  leftOut: readonly string[] = [],
): Promise<Flags & WithConcept> {
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  const given = Object.keys(flags).filter(isGiven);
  const { concept: path } = flags;
  if (path === undefined) return { ...flags, examples: [], chosen: given };
  const { prompts, options } = await Concept.load(path, { signal });
  const brought = Object.entries(options).filter(
    ([name]) => !leftOut.includes(name) && !isGiven(name),
  );
  const examples = prompts.map((example, i) => ({
    ...{ image: `${path}#${i + 1}.png`, mask: `${path}#${i + 1}`, example },
  }));
  const chosen = [...given, ...brought.map(([name]) => name)];
  return { ...flags, ...Object.fromEntries(brought), examples, chosen };
}

/** @throws UsageError if there is neither a prompt nor a concept. */
export function checkExamples({ prompt, concept }: ExampleFlags, others = ''): void {
  if (!prompt && concept === undefined)
    throw new UsageError(`give --prompt IMAGE MASK, or --concept FILE.seggpt${others}.`);
}
