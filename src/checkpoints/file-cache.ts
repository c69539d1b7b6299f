import type { RandomAccess } from './random-access';

/** A place for downloaded files. A file is there whole or not at all. */
export interface FileCache {
  /** For messages: a directory, or "Cache Storage". */
  readonly place: string;
  /** `null` if the file is not there. */
  open(key: string): Promise<RandomAccess | null>;
  /**
   * Stores a file as its pieces come; one that was there is replaced.
   *
   * @param start begins the transfer, told what is kept of an earlier one that broke off.
   * @throws DownloadError if the place cannot be written, and what `start`, the pieces and `verify` throw.
   */
  store(key: string, start: (begun: Begun | null) => Promise<Incoming>): Promise<void>;
}

/** What is kept of an interrupted download, and what server version it belongs to. */
export interface Begun {
  readonly size: number;
  readonly version: string;
}

/** A file on its way into the cache. */
export interface Incoming {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** The pieces continue what was begun; otherwise they start anew. */
  readonly append: boolean;
  /** The server's version of the file, kept with an interrupted download. */
  readonly version: string;
  /** Called with the SHA-256 of the whole file before it becomes visible; throws to refuse it. */
  verify(file: { size: number; sha256: string }): void;
}
