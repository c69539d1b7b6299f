import { FIRST_ARGUMENT, SPAN_WORDS } from '../opcodes';

/** Argument `index` of a command. */
// @ts-ignore: decorator
@inline
export function argument(command: usize, index: i32): u32 {
  return load<u32>(command + (<usize>(FIRST_ARGUMENT + index) << 2));
}

// @ts-ignore: decorator
@inline
export function floatArgument(command: usize, index: i32): f32 {
  return load<f32>(command + (<usize>(FIRST_ARGUMENT + index) << 2));
}

/**
 * Commands that pack matrices begin alike: from, to, d, bytes between rows, heads, spans (see {@link SPAN_WORDS}). A tile is
 * one head of one span.
 */
// @ts-ignore: decorator
@inline
export function spanOf(command: usize, tile: i32): usize {
  return <usize>argument(command, 5) + <usize>(tile / <i32>argument(command, 4) * SPAN_WORDS) * 4;
}

/** First byte of a tile's matrix of `d` columns. */
// @ts-ignore: decorator
@inline
export function matrixOf(command: usize, tile: i32): usize {
  const head = tile % <i32>argument(command, 4);
  return <usize>argument(command, 0) + <usize>load<i32>(spanOf(command, tile)) * <usize>argument(command, 3)
    + (<usize>(head * <i32>argument(command, 2)) << 2);
}

/** Packed rows before those of a head of a span; every span's are padded to whole panels. */
// @ts-ignore: decorator
@inline
export function packedRow(span: usize, heads: i32, head: i32): usize {
  const padded = (load<i32>(span, 4) + 15) & ~15;
  return <usize>load<i32>(span, 12) * <usize>heads + <usize>(head * padded);
}

/** Rows of value scales before those of a head of a span: one, and one for each block of keys. */
// @ts-ignore: decorator
@inline
export function scaleRow(span: usize, heads: i32, head: i32): usize {
  const block = load<i32>(span, 8);
  const own = 1 + (load<i32>(span, 4) + block - 1) / block;
  return <usize>load<i32>(span, 16) * <usize>heads + <usize>(head * own);
}
