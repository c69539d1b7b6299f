import { CheckpointError } from '../../base/errors';
import type { FileStore } from '../../checkpoints/file-store';
import { findBundledModel } from './bundled-model';

/** Checkpoints in browsers: URLs, and a cache in Cache Storage. */
export const fileStore: FileStore = {
  pathKind: () => Promise.resolve('none'),
  open: (path) =>
    Promise.reject(
      new CheckpointError(
        `Browsers have no files by path ("${path}"); give a URL, a Blob or bytes.`,
      ),
    ),
  join: (directory, name) => `${directory.replace(/\/+$/, '')}/${name}`,
  relativeUrl: (path) =>
    /^\.{0,2}\//.test(path)
      ? new URL(path, globalThis.document?.baseURI ?? location.href).href
      : null,
  bundledModel: findBundledModel,
  // Loaded with the first file that is kept.
  cache: async () => (await import('./file-cache')).browserFileCache(),
  fetch: (url, request) => fetch(url, request),
  environment: () => undefined,
};
