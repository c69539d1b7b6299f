/**
 * Attention's inner loop in float32: a block of keys and values against a tile of queries; and how keys
 * and values are packed for it.
 */
import { PANEL } from '../opcodes';
import { argument, matrixOf, packedRow, spanOf } from './command';
import { raiseMaximum } from './softmax';
import { panelRows } from './tile-f32';
import { exponentials, laneSum, splat } from './vector-math';

/**
 * Rows of d floats to panels `(rows / 16, d, 16)`: what multiplies from the right, transposed. Missing
 * rows of the last panel are zero. Arguments as for {@link spanOf}.
 */
export function packKeys(command: usize, tile: i32): void {
  const span = spanOf(command, tile);
  const rows = load<i32>(span, 4);
  const d = <i32>argument(command, 2);
  const stride = <usize>argument(command, 3);
  const heads = <i32>argument(command, 4);
  const from = matrixOf(command, tile);
  const panels = (rows + PANEL - 1) / PANEL;
  let to = <usize>argument(command, 1) + packedRow(span, heads, tile % heads) * (<usize>d << 2);
  for (let p: i32 = 0; p < panels; p++) {
    const there = min(PANEL, rows - p * PANEL);
    const first = from + <usize>(p * PANEL) * stride;
    if (there < PANEL) memory.fill(to, 0, <usize>d << 6);
    for (let r: i32 = 0; r < there; r++) {
      const row = first + <usize>r * stride;
      const column = to + (<usize>r << 2);
      for (let k: i32 = 0; k < d; k++) store<f32>(column + (<usize>k << 6), load<f32>(row + (<usize>k << 2)));
    }
    to += <usize>d << 6;
  }
}

/**
 * Rows of d floats to panels `(d / 16, rows up to whole panels, 16)`. Missing columns of the last panel are zero.
 * Arguments as for {@link spanOf}.
 */
export function packValues(command: usize, tile: i32): void {
  const span = spanOf(command, tile);
  const rows = load<i32>(span, 4);
  const d = <i32>argument(command, 2);
  const stride = <usize>argument(command, 3);
  const heads = <i32>argument(command, 4);
  const from = matrixOf(command, tile);
  const panels = (d + PANEL - 1) / PANEL;
  const padded = (rows + 15) & ~15;
  const matrix = <usize>argument(command, 1) + packedRow(span, heads, tile % heads) * (<usize>panels << 6);
  for (let p: i32 = 0; p < panels; p++) {
    let to = matrix + <usize>(p * padded) * 64;
    const there = min(PANEL, d - p * PANEL);
    const bytes = <usize>there << 2;
    for (let r: i32 = 0; r < rows; r++) {
      const row = from + <usize>r * stride + (<usize>p << 6);
      if (there == PANEL) {
        v128.store(to, v128.load(row, 0), 0);
        v128.store(to, v128.load(row, 16), 16);
        v128.store(to, v128.load(row, 32), 32);
        v128.store(to, v128.load(row, 48), 48);
      } else {
        memory.fill(to, 0, 64);
        memory.copy(to, row, bytes);
      }
      to += 64;
    }
  }
}

/**
 * Adds what `there` keys give to `count` queries.
 *
 * @param scores what the products are added to; the weights afterwards
 * @param keys panels of the block's first key on; `values` likewise, whose panels are `valueStride` bytes apart
 * @param maxima running state of the softmax, with `denominators` and `sums (count, width)`
 */
export function floatBlock(
  queries: usize, queryStride: usize, scores: usize, scoreStride: usize, keys: usize, values: usize, valueStride: usize,
  maxima: usize, denominators: usize, sums: usize, d: i32, there: i32, count: i32,
): void {
  for (let p: i32 = 0; p < there; p += PANEL) {
    panelRows(queries, queryStride, keys + ((<usize>p * <usize>d) << 2), scores + (<usize>p << 2), scoreStride, d, count);
  }
  for (let i: i32 = 0; i < count; i++) {
    const at = <usize>i << 2;
    const row = scores + <usize>i * scoreStride;
    raiseMaximum(row, there, maxima + at, denominators + at, sums + <usize>i * queryStride, queryStride);
    const sum = laneSum(exponentials(row, (there + 7) >> 3, splat(load<f32>(maxima + at))));
    store<f32>(denominators + at, load<f32>(denominators + at) + sum);
  }
  for (let p: usize = 0; p < queryStride; p += 64) {
    panelRows(scores, scoreStride, values, sums + p, queryStride, there, count);
    values += valueStride;
  }
}
