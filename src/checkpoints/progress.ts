/** A report on long work. `loaded` and `total` count bytes while downloading, tensors while loading. */
export interface Progress {
  readonly stage: 'download' | 'load';
  readonly loaded: number;
  /** 0 where it is not known. */
  readonly total: number;
  /** The file at work, while downloading. */
  readonly file?: string;
}
