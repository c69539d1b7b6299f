import type { FileCache } from './file-cache';
import type { RandomAccess } from './random-access';

/** The models inside this package: the painter, MobileSAM, and the context decoder that reads its features. */
export type BundledName = 'seggpt' | 'sam' | 'context';

/** A model inside this package. */
export interface BundledCheckpoint {
  /** The `.safetensors` file: a path in Node, a URL in browsers. */
  readonly location: string;
  /** Contents of `config.json` and `preprocessor_config.json`. */
  readonly config: unknown;
  readonly preprocessor: unknown;
  /** Hex SHA-256 of the file. */
  readonly sha256: string;
}

/**
 * What loading a checkpoint needs from Node or the browser. The adapter is chosen by `#file-store` in the `imports` of
 * package.json.
 */
export interface FileStore {
  /** What a path leads to. Browsers have no paths. */
  pathKind(path: string): Promise<'file' | 'directory' | 'none'>;
  /** @throws CheckpointError if the file cannot be opened. */
  open(path: string): Promise<RandomAccess>;
  /** Joins a directory and a name. */
  join(directory: string, name: string): string;
  /** A path as a URL, where paths are URLs: relative to the page in browsers; `null` in Node. */
  relativeUrl(path: string): string | null;
  /** Finds a model inside this package. @throws CheckpointError saying where it looked, and what to copy where. */
  bundledModel(name: BundledName): Promise<BundledCheckpoint>;
  /** Downloaded files, kept between runs. `directory` overrides the default place in Node. */
  cache(directory?: string): Promise<FileCache>;
  /**
   * `fetch` that follows redirects: in browsers by their own rules, in Node never from a public address to a private one.
   *
   * @throws DownloadError for a redirect that is not followed, and what `fetch` throws.
   */
  fetch(url: string, request: RequestInit): Promise<Response>;
  /** An environment variable; `undefined` in browsers. */
  environment(name: string): string | undefined;
}

export { fileStore } from '#file-store';
