/** Element types a checkpoint stores. `I8` weights carry one scale per output channel. */
export type StoredType = 'F32' | 'F16' | 'BF16' | 'I8';

/** One tensor as it lies in a checkpoint: little-endian bytes, row-major. */
export interface StoredTensor {
  /** Name in the file. */
  readonly name: string;
  /** Element type of `data`. */
  readonly dtype: StoredType;
  /** Extent of each axis, outermost first. */
  readonly shape: readonly number[];
  /** Little-endian values, row-major. */
  readonly data: Uint8Array;
  /** For `I8` only: float32 value = integer * scales[index along axis 0]. */
  readonly scales?: Float32Array;
}
