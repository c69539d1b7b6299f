import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';

/** A new name in the directory of a file, short whatever the file's own: names have at most 255 bytes. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.seggpt-${randomBytes(8).toString('hex')}.tmp`);
}
