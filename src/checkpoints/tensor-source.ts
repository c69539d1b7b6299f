import type { StoredTensor, StoredType } from '../tensors/stored-tensor';

/** What a checkpoint says of one tensor before it is read. */
export interface TensorEntry {
  /** Element type as the file states it. */
  readonly dtype: StoredType;
  /** Extent of each axis, outermost first. */
  readonly shape: readonly number[];
}

/** A checkpoint opened for reading, under Hugging Face names, one tensor at a time. */
export interface TensorSource {
  /** Where it came from, for error messages. */
  readonly origin: string;
  /** The parsed config.json beside the weights, if there is one. */
  readonly config: unknown;
  /** The parsed preprocessor_config.json, if there is one: at what size pictures go in. */
  readonly preprocessor?: unknown;
  /** What the file holds, by name; values are read when asked for. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** @throws CheckpointError if the bytes cannot be had, or hold NaN or infinity. */
  read(name: string): Promise<StoredTensor>;
  /** Closes the file; the source is of no more use. */
  close(): Promise<void>;
}
