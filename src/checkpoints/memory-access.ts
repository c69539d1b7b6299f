import { CheckpointError } from '../base/errors';
import type { RandomAccess } from './random-access';

/** Random access to a buffer. Reads are views: they cost nothing and must not be written to. */
export function memoryAccess(given: Uint8Array, origin: string): RandomAccess {
  // A Buffer is a Uint8Array whose `slice` does not copy; what reads tensors relies on copies, which are aligned.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  return {
    origin,
    size: bytes.byteLength,
    read(offset, length) {
      if (offset + length > bytes.byteLength) {
        return Promise.reject(
          new CheckpointError(`${origin} ends before byte ${offset + length}; it is truncated.`),
        );
      }
      return Promise.resolve(bytes.subarray(offset, offset + length));
    },
    close: () => Promise.resolve(),
  };
}

/** Random access to a browser's `Blob` or `File`; nothing is held but what is asked for. */
export function blobAccess(blob: Blob, origin: string): RandomAccess {
  return {
    origin,
    size: blob.size,
    async read(offset, length) {
      if (offset + length > blob.size) {
        throw new CheckpointError(
          `${origin} ends before byte ${offset + length}; it is truncated.`,
        );
      }
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
    close: () => Promise.resolve(),
  };
}
