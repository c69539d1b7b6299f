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
