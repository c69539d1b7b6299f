#!/usr/bin/env node
/** The `seggpt` command. Exit code 0 for success, 1 for a failure, 2 for bad usage. */
import { type Command, CommanderError } from 'commander';
import { flagName } from './flags';
import { InvalidInputError, SegGptError } from '../../index';
import { joinPairs } from './prompt-pairs';
import { createProgram } from './program';
import { UsageError } from './usage-error';

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
    if (error instanceof InvalidInputError && hasFlag(program, error.argument)) {
      process.stderr.write(`error: ${flagName(error.argument)}: ${error.detail}\n`);
      return 2;
    }
    const expected = error instanceof SegGptError || error instanceof UsageError;
    process.stderr.write(
      `error: ${expected ? error.message : String((error as Error).stack ?? error)}\n`,
    );
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Whether some command gives the library an argument of that name. */
function hasFlag(program: Command, argument: string): boolean {
  return program.commands.some((command) =>
    command.options.some((option) => option.attributeName() === argument),
  );
}

// Native backends may hold the event loop, so the end is explicit.
process.exitCode = await main();
process.exit();
