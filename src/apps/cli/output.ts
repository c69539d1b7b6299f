import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SegGptError } from '../../index';

/** A result cannot be written. It ends the command, as what follows would meet the same. */
export class OutputError extends SegGptError {
  override name = 'OutputError';

  constructor(path: string, cause: Error) {
    super('OUTPUT', `Cannot write "${path}" (${cause.message}); choose another --out.`, { cause });
  }
}

/** Writes a file of results, whole or not at all. @throws OutputError with the system's reason. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  // Short whatever the file's own name is: names have at most 255 bytes.
  const temporary = join(dirname(path), `.seggpt-${randomBytes(8).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // the reason is told already
    throw new OutputError(path, cause as Error);
  }
}

/** Whether two paths lead to one file or directory, by whatever names; not if either leads nowhere. */
export async function isSamePlace(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path).catch(() => null)));
  return one !== null && one.dev === other?.dev && one.ino === other.ino;
}
