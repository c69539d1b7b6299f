import { command, outcomeOf } from './harness.mjs';

/** Pixels of the cup that the bundled model finds in Node; browsers decode JPEG a little differently. */
let expected;

/** @returns why an outcome is not a segmented cup, if it is not. */
export function notACup(outcome, tolerance = 0.03) {
  if (outcome.error) return `${outcome.error}\n${(outcome.said ?? []).join('\n')}`;
  expected ??= outcome.area;
  if (!(outcome.area > 10_000)) return `the cup has ${outcome.area} pixels`;
  if (Math.abs(outcome.area - expected) > expected * tolerance)
    return `the cup has ${outcome.area} pixels, elsewhere ${expected}`;
  return undefined;
}

/** Opens a page that a server or directory gives, and checks its outcome. @param start returns what stops the server. */
export async function* opened(check, url, start) {
  let stop;
  try {
    stop = await start();
    const outcome = await outcomeOf(url);
    yield {
      check,
      detail: `${outcome.engine}, ${Math.round(outcome.ms)} ms`,
      failure: notACup(outcome),
    };
  } catch (error) {
    yield { check, failure: error.message };
  } finally {
    stop?.();
  }
}

/** Runs a Node program that prints its outcome as JSON. Nothing else may be printed: the library is quiet. */
export async function* segments(directory, check, program, args) {
  try {
    const { stdout, stderr } = await command(directory, program, args);
    const outcome = JSON.parse(stdout);
    const noise = stderr.replace(/^npm .*$/gm, '').trim();
    yield { check, detail: outcome.engine, failure: notACup(outcome) ?? (noise || undefined) };
  } catch (error) {
    yield { check, failure: error.message };
  }
}

/** A check that passes unless it throws. */
export async function passes(check, work) {
  try {
    return { check, detail: await work() };
  } catch (error) {
    return { check, failure: error.message };
  }
}
