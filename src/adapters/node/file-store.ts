import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileStore } from '../../checkpoints/file-store';
import { findBundledModel } from './bundled-model';
import { fileAccess } from './file-access';
import { fetchFollowing } from './fetch-following';
import { nodeFileCache } from './file-cache';

/** Checkpoints in Node: files, and a cache in a directory. */
export const fileStore: FileStore = {
  async pathKind(path) {
    const found = await stat(path).catch(() => null);
    return found?.isFile() ? 'file' : found?.isDirectory() ? 'directory' : 'none';
  },
  open: fileAccess,
  join,
  relativeUrl: () => null,
  bundledModel: async (name) => findBundledModel(name),
  cache: (directory) => Promise.resolve(nodeFileCache(directory)),
  fetch: fetchFollowing,
  environment: (name) => process.env[name] || undefined,
};
