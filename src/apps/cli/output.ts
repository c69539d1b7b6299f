import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
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
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // the reason is told already
    throw new OutputError(path, cause as Error);
  }
}
