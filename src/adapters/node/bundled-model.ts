import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError } from '../../base/errors';
import type { BundledCheckpoint } from '../../checkpoints/file-store';
import { BESIDE, bundledAt, FILE, remedy } from '../bundled-model';

/**
 * Finds the bundled weights: where this package keeps them, or where a bundler put them; beside the bundle, if someone
 * copied them there; else in the `seggpt` that is installed for the bundle or for the working directory.
 *
 * @throws CheckpointError naming where it looked and what to copy.
 */
export function findBundledModel(): BundledCheckpoint {
  const looked: string[] = [];
  for (const place of places()) {
    if (existsSync(place)) return bundledAt(place);
    looked.push(place);
  }
  throw new CheckpointError(
    `The bundled model was not found (looked for ${looked.join(', ')}); ${remedy}.`,
  );
}

function* places(): Generator<string> {
  const here = moduleDirectory();
  if (here !== undefined) {
    const literal = emitted();
    if (literal !== undefined) yield literal;
    yield join(here, BESIDE, FILE);
  }
  for (const base of [here, process.cwd()]) {
    if (base === undefined) continue;
    try {
      yield createRequire(join(base, 'any.js')).resolve(`seggpt/weights/${FILE}`);
    } catch {
      // not installed there
    }
  }
}

/** A literal URL, which bundlers and tracers of files recognise and carry along. */
function emitted(): string | undefined {
  try {
    return fileURLToPath(new URL('../../weights/model.safetensors', import.meta.url));
  } catch {
    return undefined; // what a bundler made of it is no file
  }
}

/** Where this module lies now. A bundle in CommonJS has no `import.meta.url`. */
function moduleDirectory(): string | undefined {
  try {
    if (import.meta.url) return dirname(fileURLToPath(import.meta.url));
  } catch {
    // not a file
  }
  return typeof __dirname === 'string' ? __dirname : undefined;
}
