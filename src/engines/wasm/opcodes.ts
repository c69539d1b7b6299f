/**
 * Commands the kernels understand, and where their words lie. This file is compiled twice: as
 * TypeScript with the engine that records commands, and as AssemblyScript with the kernels that run
 * them, so the two cannot drift apart.
 *
 * A command is {@link COMMAND_WORDS} words of 32 bits. The first five schedule it:
 *
 * | word | meaning |
 * |---|---|
 * | 0 | which kernel |
 * | 1 | next tile to hand out; threads take tiles by atomic addition |
 * | 2 | end of the tiles |
 * | 3 | tiles finished |
 * | 4 | tiles to finish before the next command may start |
 *
 * Words from {@link FIRST_ARGUMENT} on are the kernel's own: addresses, sizes, float32 bits.
 */
export enum Op {
  Gemm,
  GemmInt8,
  QuantizeRows,
  LayerNorm,
  Activate,
  Add,
  AddRow,
  CopyRows,
  GatherRows,
  MaskRows,
  Interpolate,
  RowProducts,
  Patchify,
  PixelShuffle,
  Neighbourhoods,
  Depthwise,
  PackKeys,
  PackValues,
  PackKeysInt8,
  PackValuesInt8,
  Attention,
  PaintingHead,
  Multiply,
}

export const COMMAND_WORDS = 32;
export const COMMAND_BYTES = 128;

export const NEXT_TILE = 1;
export const END_TILE = 2;
export const FINISHED_TILES = 3;
export const TOTAL_TILES = 4;
export const FIRST_ARGUMENT = 5;

/** Columns of a weight panel: outputs whose weights lie interleaved, input by input. */
export const PANEL = 16;

/**
 * Tables that attention reads, entries of so many words. A *span* is rows of keys and values that lie together: first
 * row, rows, keys per block, packed rows before it, rows of value scales before it.
 */
export const SPAN_WORDS = 5;
/** A span in a set of keys: which, and the position of its first key. */
export const USE_WORDS = 2;
/** A set of keys: its first use, and how many. */
export const SET_WORDS = 2;
/**
 * Consecutive queries: first row, its position, rows, first row of the output, first set of keys, sets, and uses that all
 * sets begin with.
 */
export const RUN_WORDS = 7;

/** What is applied to a result; `gelu`, `relu`, `sigmoid` of the engine. */
export enum Activated {
  None,
  Gelu,
  Relu,
  Sigmoid,
}

/** How a float panel is stored. */
export enum PanelType {
  Float32,
  Float16,
}

/** How signed bytes are multiplied; see `assembly/tile-int8.ts`. */
export enum DotKind {
  /** `i32x4.relaxed_dot_i8x16_i7x16_add_s`: one instruction where the CPU has it (VNNI, ARM dot product). */
  Relaxed,
  /** `i16x8.relaxed_dot_i8x16_i7x16_s`, widened every other time: faster where the CPU has not. Left-hand bytes have 7 bits. */
  RelaxedQuads,
  /** `i32x4.dot_i16x8_s` of bytes widened first: plain SIMD. */
  Widened,
  /** One product at a time: the oracle of the others. */
  Scalar,
}
