#!/usr/bin/env node
/** The `seggpt` command. Exit code 0 for success, 1 for a failure, 2 for bad usage. */
import { CommanderError } from 'commander';
import { InvalidInputError, SegGptError } from '../errors';
import { joinPairs } from './prompt-pairs';
import { createProgram, UsageError } from './program';

async function main(): Promise<number> {
  const abort = new AbortController();
  const stop = () => abort.abort(new Error('interrupted'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const outcome = { exitCode: 0 };
  try {
    await createProgram(abort.signal, outcome).parseAsync(joinPairs(process.argv.slice(2)), {
      from: 'user',
    });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UsageError) {
      process.stderr.write(`error: ${error.message}\n`);
      return 2;
    }
    const expected = error instanceof SegGptError;
    process.stderr.write(
      `error: ${expected ? error.message : String((error as Error).stack ?? error)}\n`,
    );
    return error instanceof InvalidInputError && error.argument.startsWith('--') ? 2 : 1;
  }
}

// Native backends may hold the event loop, so the end is explicit.
process.exitCode = await main();
process.exit();
