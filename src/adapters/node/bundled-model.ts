import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError } from '../../base/errors';
import type { BundledCheckpoint, BundledName } from '../../checkpoints/file-store';
import { installedRequire } from './installed-require';
import { BESIDE, bundledAt, FILES, literalUrl, remedy } from '../bundled-model';

/**
 * Finds a bundled model's weights: where this package keeps them, or where a bundler put them; beside the bundle, if someone
 * copied them there; else in the `seggpt` that is installed for the bundle or for the working directory.
 *
 * @throws CheckpointError naming where it looked and what to copy.
 */
export function findBundledModel(name: BundledName): BundledCheckpoint {
  const looked: string[] = [];
  for (const place of places(name)) {
    if (existsSync(place)) return bundledAt(name, place);
    looked.push(place);
  }
  throw new CheckpointError(
    `The bundled model was not found (looked for ${looked.join(', ')}); ${remedy}.`,
  );
}

function* places(name: BundledName): Generator<string> {
  const here = moduleDirectory();
  if (here !== undefined) {
    const literal = emitted(name);
    if (literal !== undefined) yield literal;
    yield join(here, BESIDE, FILES[name]);
  }
  try {
    const installed = `seggpt/weights/${FILES[name]}`;
    yield installedRequire(installed).resolve(installed);
  } catch {
    // a bundle that was moved away from its packages
  }
}

/** The weights where a bundler, or this package, has them. */
function emitted(name: BundledName): string | undefined {
  try {
    // As text: jsdom has URLs of its own, which Node does not take.
    const { href } = literalUrl(name);
    return fileURLToPath(href);
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
