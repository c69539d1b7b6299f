import { FIRST_ARGUMENT } from '../opcodes';

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
 * First byte of a tile's matrix, where matrices lie on a grid of outer and inner strides. Commands that pack matrices
 * begin alike: from, to, rows, d, bytes between rows, outer stride, inner stride, inner count.
 */
// @ts-ignore: decorator
@inline
export function matrixOf(command: usize, tile: i32): usize {
  const inner = <i32>argument(command, 7);
  return <usize>argument(command, 0)
    + <usize>(tile / inner) * <usize>argument(command, 5) + <usize>(tile % inner) * <usize>argument(command, 6);
}
