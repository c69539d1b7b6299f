#!/usr/bin/env node
/** The `seggpt` command. Exit code 0 for success, 1 for a failure, 2 for bad usage, 130 and 143 for signals. */
import { CommanderError } from 'commander';
import { InvalidInputError, SegGptError } from '../../index';
import { joinPairs } from './prompt-pairs';
import { createProgram } from './program';
import { Signals } from './signals';
import { StandardOutput } from './standard-output';
import { UsageError } from './usage-error';
import { Wording } from './wording';

async function main(): Promise<number> {
  const abort = new AbortController();
  const signals = new Signals(abort);
  const outcome = { exitCode: 0 };
  const program = createProgram(abort.signal, outcome);
  try {
    await program.parseAsync(joinPairs(process.argv.slice(2)), { from: 'user' });
    return signals.exitCode ?? outcome.exitCode;
  } catch (error) {
    if (signals.exitCode !== undefined) {
      process.stderr.write('interrupted\n');
      return signals.exitCode;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const wording = new Wording(program);
    const flag = error instanceof InvalidInputError && wording.flagOf(error.argument);
    const expected = error instanceof SegGptError || error instanceof UsageError;
    const message = flag
      ? `${flag}: ${wording.inFlags(error.detail)}`
      : expected
        ? wording.inFlags(error.message)
        : String((error as Error).stack ?? error);
    process.stderr.write(`error: ${message}\n`);
    return flag || error instanceof UsageError ? 2 : 1;
  }
}

const output = new StandardOutput();
const exitCode = await main();
const unwritten = await output.flushed();
if (unwritten)
  process.stderr.write(`error: Cannot write to standard output (${unwritten.message}).\n`);
// Native backends may hold the event loop, so the end is explicit.
process.exit(exitCode || (unwritten ? 1 : 0));
