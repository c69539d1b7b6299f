/**
 * Fixed places in the engine's memory, known to every thread. Words are 32 bits; tensors start after
 * the first page.
 */

/** Word addresses of the control block. */
export const CONTROL = {
  /** Raised for every list of commands; workers sleep on it. */
  epoch: 16,
  /** 1 while the current list may be entered. */
  open: 17,
  /** Workers inside the list. */
  active: 18,
  /** Commands in the list. */
  count: 19,
  /** 1 asks workers to end. */
  stop: 20,
  /** 1 once a worker's kernel trapped. */
  failed: 21,
} as const;

/** Byte address of a constant the kernels read; see `setOnes` in `assembly/tile-int8.ts`. */
export const ONES = 1024;

/** Where the list of commands lies, and how many it holds. */
export const LIST = 4096;
export const LIST_CAPACITY = 448;

/** First byte of tensors. */
export const ARENA_START = 65536;
