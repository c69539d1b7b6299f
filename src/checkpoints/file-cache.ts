import type { RandomAccess } from './random-access';

/** A place for downloaded files. A file is there whole or not at all. */
export interface FileCache {
  /** For messages: a directory, or "Cache Storage". */
  readonly place: string;
  /** `null` if the file is not there. */
  open(key: string): Promise<RandomAccess | null>;
  /** How much of an interrupted download is kept, and what server version it belongs to. */
  partial(key: string): Promise<{ readonly size: number; readonly version: string } | null>;
  /**
   * Stores a file as its pieces come.
   *
   * @param append pieces continue what `partial` reported; otherwise they start anew.
   * @param version the server's version of the file, kept with an interrupted download.
   * @param verify called with the SHA-256 of the whole file before it becomes visible; throws to refuse it.
   */
  store(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    options: {
      readonly append: boolean;
      readonly version: string;
      readonly verify: (file: { size: number; sha256: string }) => void;
    },
  ): Promise<void>;
  /** Forgets a file and what was kept of an interrupted download of it. */
  remove(key: string): Promise<void>;
}
