import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Opens a file to read. Devices, pipes and sockets are refused: they may never end, or never begin.
 *
 * @throws Error of the system, or saying that it is no file.
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  // A pipe that nobody writes to would hold the opening itself.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const found = await handle.stat();
  if (found.isFile()) return handle;
  await handle.close();
  throw new Error(found.isDirectory() ? 'it is a directory' : 'it is a device or a pipe, no file');
}

/** The bytes of a file. @throws Error of the system, or saying that it is no file. */
export async function readFileAt(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const handle = await openRegularFile(path);
  try {
    return await handle.readFile({ signal });
  } finally {
    await handle.close();
  }
}
