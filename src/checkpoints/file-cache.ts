import type { RandomAccess } from './random-access';

/** A place for downloaded files. A file is there whole or not at all. */
export interface FileCache {
  /** For messages: a directory, or "Cache Storage". */
  readonly place: string;
  /** `null` if the file is not there. */
  open(key: string): Promise<RandomAccess | null>;
  /** What was noted of a file when it was stored; `null` if it is not there, or nothing was. */
  note(key: string): Promise<FileNote | null>;
  /** Whether a file is there and has this hex SHA-256. A file is read for it when it changed since it was last looked at. */
  matches(key: string, sha256: string): Promise<boolean>;
  /**
   * Stores a file as its pieces come; one that was there is replaced.
   *
   * @param start begins the transfer, told what is kept of an earlier one that broke off.
   * @throws DownloadError if the place cannot be written, and what `start`, the pieces and `verify` throw.
   */
  store(key: string, start: (begun: Begun | null) => Promise<Incoming>): Promise<void>;
  /** Every file that this cache stored, and what is kept of downloads that broke off. */
  list(): Promise<CachedFile[]>;
  /**
   * Removes a file of the list; it may be gone already. What another process is writing stays.
   *
   * @throws DownloadError if the place cannot be written.
   */
  remove(file: CachedFile): Promise<void>;
}

/** What is known of a file beside its bytes. */
export interface FileNote {
  /** The model it belongs to: `owner/name@commit` of a hub, or the URL of its directory without a query. */
  readonly model: string;
  /** The branch or tag whose commit the file tells; it is none of the model's own then. */
  readonly revision?: string;
  /** The server's version of it: its `ETag` and `Last-Modified`. */
  readonly etag?: string;
  readonly modified?: string;
  /** What the bytes came to when they were last looked at, where a cache can be changed from outside. */
  readonly sum?: FileSum;
}

/** The SHA-256 of a file as it was at a moment. */
export interface FileSum {
  /** Hexadecimal, in small letters. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** When the file was last written to, in milliseconds since 1970. */
  readonly changed: number;
}

/** A file in the cache. */
export interface CachedFile {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /** When it was stored, or last added to. */
  readonly stored: Date;
  /** What was noted of it; of a download that broke off, what its directory tells. */
  readonly note: FileNote;
  /** What is kept of a download that broke off. */
  readonly partial: boolean;
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
  /** Kept with the file. */
  readonly note: FileNote;
  /** Called with the SHA-256 of the whole file before it becomes visible; throws to refuse it. */
  verify(file: { size: number; sha256: string }): void;
}

/** The directory part of a key, by which files of one model are found beside each other. */
export function directoryOfKey(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}
