import { CheckpointError } from '../../base/errors';
import type { RandomAccess } from '../../checkpoints/random-access';
import { openRegularFile } from './regular-file';

/** Random access to a file on disk (Node). The caller closes it. */
export async function fileAccess(path: string): Promise<RandomAccess> {
  const handle = await openRegularFile(path).catch((cause: unknown) => {
    throw new CheckpointError(
      `Cannot open the checkpoint file ${path} (${(cause as Error).message}); check the path.`,
      { cause },
    );
  });
  const { size } = await handle.stat();
  return {
    origin: path,
    size,
    async read(offset, length) {
      if (offset + length > size) {
        throw new CheckpointError(`${path} ends before byte ${offset + length}; it is truncated.`);
      }
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new CheckpointError(`${path} became shorter while it was read.`);
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
