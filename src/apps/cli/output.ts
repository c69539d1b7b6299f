import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OutputError } from '../../index';

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
    throw new OutputError(path, cause as Error, 'make room, or choose another --out');
  }
}

/** Whether two paths lead to one file or directory, by whatever names; not if either leads nowhere. */
export async function isSamePlace(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path).catch(() => null)));
  return one !== null && one.dev === other?.dev && one.ino === other.ino;
}
