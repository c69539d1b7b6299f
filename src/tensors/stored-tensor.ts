/** Element types a checkpoint stores. `I8` weights carry one scale per output channel. */
export type StoredType = 'F32' | 'F16' | 'BF16' | 'I8';

/** One tensor as it lies in a checkpoint: little-endian bytes, row-major. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  /** For `I8` only: float32 value = integer * scales[index along axis 0]. */
  readonly scales?: Float32Array;
}
