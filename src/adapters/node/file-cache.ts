import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileAccess } from './file-access';
import type { Begun, FileCache } from '../../checkpoints/file-cache';
import { DownloadError } from '../../base/errors';

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
 * `NAME.part.lock` which process writes it. Others then write a part of their own, from the beginning.
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
      try {
        await mkdir(dirname(path), { recursive: true });
        const shared = await lock(`${path}.part`);
        const part = shared ? `${path}.part` : `${path}.${randomUUID()}.part`;
        try {
          await write(path, part, start, shared);
        } finally {
          if (shared) await rm(`${path}.part.lock`, { force: true });
        }
      } catch (error) {
        throw isOfFiles(error) ? unwritable(directory, error) : error;
      }
    },
  };
}

/** Whether the file system raised an error, not the transfer or a caller's callback. */
function isOfFiles(error: unknown): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';
}

function unwritable(directory: string, cause: NodeJS.ErrnoException): DownloadError {
  return new DownloadError(
    `The cache ${directory} cannot be written (${cause.message}); make room or choose another with the option cache or SEGGPT_CACHE.`,
    { cause },
  );
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
const owner = `${process.pid} ${hostname()} ${randomUUID()}`;
/** A lock whose process cannot be asked is left behind when nothing was written for this many milliseconds. */
const SILENCE = 600_000;

/** Takes a part for this process, if no other that lives has it. */
async function lock(part: string): Promise<boolean> {
  const path = `${part}.lock`;
  if (await sign(path)) return true;
  const holder = await readFile(path, 'utf8').catch(() => null);
  if (holder === null || (await isAlive(holder, part))) return false;
  // Of those who saw the lock of a dead process one takes it over. If it dies meanwhile, the part is never resumed.
  const claim = `${path}.claim`;
  if (!(await sign(claim))) return false;
  if ((await readFile(path, 'utf8').catch(() => null)) === holder) {
    await rename(claim, path);
    return true;
  }
  await rm(claim);
  return false;
}

/** Writes this process's name into a new file. @returns false if the file is there already. */
async function sign(path: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the process that signed the lock of a part still runs. */
async function isAlive(holder: string, part: string): Promise<boolean> {
  const [pid, host] = holder.split(' ');
  // Of a process on another host that shares the cache, or one not signed yet, only its writing shows.
  if (host !== hostname()) {
    const times = await Promise.all([timeOf(part), timeOf(`${part}.lock`)]);
    return Date.now() - Math.max(...times) < SILENCE;
  }
  // Containers number their processes alike: our own number may have been a predecessor's.
  if (Number(pid) === process.pid) {
    const signed = await timeOf(`${part}.lock`);
    return Date.now() - signed < process.uptime() * 1000;
  }
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it lives, and is somebody else's
  }
}

/** When a file was last written to, in milliseconds since 1970; 0 if there is none. */
async function timeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
