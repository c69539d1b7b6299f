import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of the bundled model: two levels up both from src/adapters and from dist/node. */
export function bundledModelDirectory(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'weights');
}
