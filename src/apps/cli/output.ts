import { SegGptError } from '../../base/errors';
import { imageCodec } from '../../images/image-codec';

/** A result cannot be written. It ends the command, as what follows would meet the same. */
export class OutputError extends SegGptError {
  override name = 'OutputError';

  constructor(path: string, cause: Error) {
    super('OUTPUT', `Cannot write "${path}" (${cause.message}); choose another --out.`, { cause });
  }
}

/** Writes a file of results. @throws OutputError with the system's reason. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await imageCodec.save(path, bytes);
  } catch (cause) {
    throw new OutputError(path, cause as Error);
  }
}
