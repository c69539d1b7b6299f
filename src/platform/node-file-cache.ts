import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileAccess } from '../checkpoints/file-access';
import type { Begun, FileCache } from '../checkpoints/file-cache';

/** `$SEGGPT_CACHE`, else `seggpt` under the user's cache directory (XDG Base Directory Specification). */
function defaultDirectory(): string {
  return (
    process.env.SEGGPT_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'seggpt')
  );
}

/**
 * Downloads in a directory. A file is written beside its place as `NAME.part` and renamed once it has
 * been verified, so what stands under its name is whole; `NAME.part.version` tells what it is part of,
 * `NAME.part.lock` which process writes it. Other processes then write a part of their own, from the beginning.
 */
export function nodeFileCache(directory = defaultDirectory()): FileCache {
  const pathOf = (key: string) => join(directory, ...key.split('/'));
  return {
    place: directory,
    async open(key) {
      const path = pathOf(key);
      const found = await stat(path).catch(() => null);
      return found?.isFile() ? fileAccess(path) : null;
    },
    async store(key, start) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const shared = await lock(`${path}.part`);
      try {
        await write(path, shared ? `${path}.part` : `${path}.${owner}.part`, start, shared);
      } finally {
        if (shared) await rm(`${path}.part.lock`, { force: true });
      }
    },
  };
}

/** Writes a file by way of its part. A part that is `kept` stays when the pieces break off, for the next download. */
async function write(
  path: string,
  part: string,
  start: Parameters<FileCache['store']>[1],
  kept: boolean,
): Promise<void> {
  let complete = false;
  try {
    const { pieces, append, version, verify } = await start(await begunIn(part));
    const file = await open(part, append ? 'a' : 'w');
    try {
      await writeFile(`${part}.version`, version); // once nothing of another version is left
      for await (const piece of pieces) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    complete = true;
    verify({ size: (await stat(part)).size, sha256: await hashOf(part) });
    await rename(part, path);
    await rm(`${part}.version`, { force: true });
  } catch (error) {
    // What came of a download that broke off is kept; what does not verify is not.
    if (complete || !kept) {
      await rm(part, { force: true });
      await rm(`${part}.version`, { force: true });
    }
    throw error;
  }
}

async function begunIn(part: string): Promise<Begun | null> {
  const found = await stat(part).catch(() => null);
  const version = await readFile(`${part}.version`, 'utf8').catch(() => '');
  return found && version ? { size: found.size, version } : null;
}

/** This process, and this copy of the module within it: threads have one each. */
const owner = `${process.pid}-${randomUUID()}`;
/** After this many milliseconds a lock that names nobody was left by a process that died while it wrote it. */
const UNSIGNED_LOCK = 10_000;

/** Takes a part for this process, if no other that lives has it. */
async function lock(part: string): Promise<boolean> {
  const path = `${part}.lock`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(path, owner, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    const pid = Number.parseInt(holder, 10);
    const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? 0);
    if (pid > 0 ? isAlive(pid, age) : age < UNSIGNED_LOCK) return false;
    await rm(path, { force: true });
  }
  return false;
}

/** Whether the process that took a lock so long ago still runs. */
function isAlive(pid: number, age: number): boolean {
  // Containers number their processes alike: our own number may have been a predecessor's.
  if (pid === process.pid) return age < process.uptime() * 1000;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it lives, and is somebody else's
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
