import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileAccess } from '../checkpoints/file-access';
import type { FileCache } from '../checkpoints/file-cache';

/** `$SEGGPT_CACHE`, else `seggpt` under the user's cache directory (XDG Base Directory Specification). */
function defaultDirectory(): string {
  return (
    process.env.SEGGPT_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'seggpt')
  );
}

/**
 * Downloads in a directory. A file is written beside its place as `NAME.part` and renamed once it has
 * been verified, so what stands under its name is whole; `NAME.part.version` tells what it is part of.
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
    async partial(key) {
      const part = `${pathOf(key)}.part`;
      const found = await stat(part).catch(() => null);
      const version = await readFile(`${part}.version`, 'utf8').catch(() => '');
      return found && version ? { size: found.size, version } : null;
    },
    async store(key, pieces, { append, version, verify }) {
      const path = pathOf(key);
      const part = `${path}.part`;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${part}.version`, version);
      const file = await open(part, append ? 'a' : 'w');
      try {
        for await (const piece of pieces) await file.writeFile(piece);
      } finally {
        await file.close();
      }
      try {
        verify({ size: (await stat(part)).size, sha256: await hashOf(part) });
        await rename(part, path);
        await rm(`${part}.version`, { force: true });
      } catch (error) {
        await rm(part, { force: true });
        await rm(`${part}.version`, { force: true });
        throw error;
      }
    },
    async remove(key) {
      const path = pathOf(key);
      for (const name of [path, `${path}.part`, `${path}.part.version`])
        await rm(name, { force: true });
    },
  };
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
