import { open } from 'node:fs/promises';

/** A GIF ends with this byte; some writers pad it with zeros. */
const GIF_TRAILER = 0x3b;
const PADDING = 64;
const UNKNOWN_SIZE = 0xffffffff;

/**
 * What shows that a file lacks its end, of containers that say nothing of it while they are read: a GIF has a last byte of its own, an
 * AVI states the size of its first part (all of it up to 1 GB). `undefined` for others, and for files that are whole.
 *
 * @param path a file that can be read.
 */
export async function missingEnd(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(12);
    await file.read(head, 0, head.length, 0);
    if (head.toString('latin1', 0, 4) === 'GIF8') {
      const tail = Buffer.alloc(Math.min(PADDING, size));
      await file.read(tail, 0, tail.length, size - tail.length);
      const last = tail.reverse().find((byte) => byte !== 0);
      return last === GIF_TRAILER ? undefined : 'the GIF lacks its end';
    }
    if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'AVI ') {
      const stated = head.readUInt32LE(4);
      if (stated === UNKNOWN_SIZE) return undefined; // it was written to a pipe
      return stated + 8 > size ? `the AVI states ${stated + 8} bytes and has ${size}` : undefined;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
