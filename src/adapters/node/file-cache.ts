import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileAccess } from './file-access';
import { temporaryBeside } from './temporary-file';
import { keySegments } from '../../checkpoints/cache-key';
import {
  type Begun,
  type CachedFile,
  directoryOfKey,
  type FileCache,
  type FileNote,
  type FileSum,
} from '../../checkpoints/file-cache';
import { DownloadError } from '../../base/errors';

/**
 * `$SEGGPT_CACHE`, else `seggpt` where the platform keeps caches: `$XDG_CACHE_HOME` (XDG Base Directory Specification),
 * else `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows and `~/.cache` elsewhere.
 */
function defaultDirectory(): string {
  const { SEGGPT_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (SEGGPT_CACHE) return SEGGPT_CACHE;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'seggpt');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'seggpt');
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'seggpt', 'cache');
  return join(homedir(), '.cache', 'seggpt');
}

/** Ends the name of the file beside a stored one that holds its note: by it a file is known as the cache's own. */
const NOTE = '.seggpt.json';

/**
 * Downloads in a directory. A file is written beside its place as `NAME.part` and renamed once it has
 * been verified, so what stands under its name is whole; `NAME.part.version` tells what it is part of,
 * `NAME.part.lock` which process writes it. Others then write a part of their own, from the beginning.
 * `NAME.seggpt.json` is its note.
 */
export function nodeFileCache(directory = defaultDirectory()): FileCache {
  const pathOf = (key: string) => join(directory, ...keySegments(key));
  return {
    place: directory,
    async open(key) {
      const path = pathOf(key);
      const found = await stat(path).catch(() => null);
      return found?.isFile() ? fileAccess(path) : null;
    },
    note: (key) => readNote(pathOf(key)),
    matches: async (key, sha256) => (await sumOf(pathOf(key)))?.sha256 === sha256.toLowerCase(),
    list: () => listFiles(directory),
    async remove({ key, partial }) {
      try {
        await removeFile(pathOf(key), partial);
        await removeEmpty(dirname(pathOf(key)), directory);
      } catch (error) {
        throw isOfFiles(error) ? unwritable(directory, error) : error;
      }
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
    const { pieces, append, version, note, verify } = await start(await begunIn(part));
    const file = await open(part, append ? 'a' : 'w');
    try {
      await writeFile(`${part}.version`, version); // once nothing of another version is left
      for await (const piece of pieces) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    complete = true;
    const { size, mtimeMs } = await stat(part);
    const sum = { sha256: await hashOf(part), size, changed: mtimeMs };
    verify(sum);
    // At no time may a note stand beside a file that it does not tell of.
    await rm(`${path}${NOTE}`, { force: true });
    await rename(part, path);
    await rm(`${part}.version`, { force: true });
    await writeNote(path, { ...note, sum });
  } catch (error) {
    // What came of a download that broke off is kept; what does not verify is not.
    if (complete || !kept) {
      await rm(part, { force: true });
      await rm(`${part}.version`, { force: true });
    }
    throw error;
  }
}

async function writeNote(path: string, note: FileNote): Promise<void> {
  const temporary = temporaryBeside(path);
  await writeFile(temporary, JSON.stringify(note));
  await rename(temporary, `${path}${NOTE}`);
}

/** Sums of files in a cache that cannot be written. */
const sums = new Map<string, FileSum>();

/** The sum of a stored file, from its note as long as the file is the same; `null` if there is no file. */
async function sumOf(path: string): Promise<FileSum | null> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return null;
  const { size, mtimeMs: changed } = found;
  const note = await readNote(path);
  const known = [note?.sum, sums.get(path)].find(
    (sum) => sum?.size === size && sum.changed === changed,
  );
  if (known) return known;
  const sum = { sha256: await hashOf(path), size, changed };
  sums.set(path, sum);
  if (note) await writeNote(path, { ...note, sum }).catch(() => undefined); // it is in `sums`
  return sum;
}

/** A note that somebody damaged is none: its file is then fetched anew. */
async function readNote(path: string): Promise<FileNote | null> {
  try {
    return JSON.parse(await readFile(`${path}${NOTE}`, 'utf8')) as FileNote;
  } catch {
    return null;
  }
}

/** Files with a note, and parts with a version: whatever else lies in the directory is not the cache's. */
async function listFiles(directory: string): Promise<CachedFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const paths = new Set(
    entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
  );
  const files: CachedFile[] = [];
  const add = async (path: string, partial: boolean, note: FileNote) => {
    const found = await stat(path).catch(() => null); // another process may remove it meanwhile
    const key = relative(directory, path).split(sep).join('/');
    if (found) files.push({ key, size: found.size, stored: found.mtime, note, partial });
  };
  for (const path of paths) {
    const note = paths.has(`${path}${NOTE}`) && (await readNote(path));
    if (note) await add(path, false, note);
  }
  for (const path of paths) {
    if (!path.endsWith('.part') || !paths.has(`${path}.version`)) continue;
    const place = directoryOfKey(relative(directory, path).split(sep).join('/'));
    const beside = files.find(({ key }) => directoryOfKey(key) === place);
    await add(path, true, beside?.note ?? { model: place });
  }
  return files;
}

async function removeFile(path: string, partial: boolean): Promise<void> {
  if (!partial) {
    await rm(path, { force: true });
    await rm(`${path}${NOTE}`, { force: true });
    return;
  }
  if (!(await lock(path))) return; // it is being written
  await rm(path, { force: true });
  await rm(`${path}.version`, { force: true });
  await rm(`${path}.lock`, { force: true });
}

/** Removes a directory, and those above it within the cache, as long as they are empty. */
async function removeEmpty(directory: string, root: string): Promise<void> {
  if (relative(root, directory) === '') return;
  try {
    await rmdir(directory);
  } catch {
    return; // something lies in it, or it is gone with another file
  }
  await removeEmpty(dirname(directory), root);
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
  if (holder === owner) return true; // whatever the clock says
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
