/** A report on long work. */
export interface Progress {
  /** What is being done. */
  readonly stage: 'download' | 'load' | 'prepare' | 'paint' | 'encode' | 'decode';
  /** Bytes while downloading, tensors while loading, prompts while decoding, transformer blocks otherwise. */
  readonly loaded: number;
  /** 0 where it is not known. */
  readonly total: number;
  /** The file at work, while downloading. */
  readonly file?: string;
  /**
   * A sentence for people about something that was decided on the way, e.g. that a model comes from the cache because its
   * server cannot be reached. Most reports have none.
   */
  readonly note?: string;
}

/** How one call runs: what stops it, and who is told how far it is. */
export interface RunOptions {
  /** Stops the call, which then throws an `AbortedError`. */
  readonly signal?: AbortSignal;
  /** Called as work goes on. It must not throw. */
  readonly onProgress?: (progress: Progress) => void;
}
