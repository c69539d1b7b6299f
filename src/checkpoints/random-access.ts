/** Bytes that can be read from any place: a file, a blob, a buffer. */
export interface RandomAccess {
  readonly origin: string;
  /** In bytes. */
  readonly size: number;
  /** @throws CheckpointError if `[offset, offset + length)` is not all there. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
