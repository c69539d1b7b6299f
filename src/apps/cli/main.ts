#!/usr/bin/env node
/** The `seggpt` command. Exit code 0 for success, 1 for a failure, 2 for bad usage. */
import { type Command, CommanderError } from 'commander';
import { InvalidInputError, SegGptError } from '../../base/errors';
import { joinPairs } from './prompt-pairs';
import { createProgram, UsageError } from './program';

async function main(): Promise<number> {
  const abort = new AbortController();
  const stop = () => abort.abort(new Error('interrupted'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const outcome = { exitCode: 0 };
  const program = createProgram(abort.signal, outcome);
  try {
    await program.parseAsync(joinPairs(process.argv.slice(2)), { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const option = error instanceof InvalidInputError && optionOf(program, error.argument);
    if (option) {
      process.stderr.write(`error: ${error.message.replace(error.argument, option)}\n`);
      return 2;
    }
    const expected = error instanceof SegGptError || error instanceof UsageError;
    process.stderr.write(
      `error: ${expected ? error.message : String((error as Error).stack ?? error)}\n`,
    );
    return error instanceof UsageError ? 2 : 1;
  }
}

/** The option that gives the library an argument: `--color-ensemble` for `colorEnsemble`. */
function optionOf(program: Command, argument: string): string | null | undefined {
  const options = program.commands.flatMap((command) => command.options);
  return options.find((option) => option.attributeName() === argument)?.long;
}

// Native backends may hold the event loop, so the end is explicit.
process.exitCode = await main();
process.exit();
