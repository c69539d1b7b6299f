/**
 * Resizing of learned position tables, as matrices: `resized = matrix · table`. A matrix keeps the
 * step differentiable and lets every engine use the multiplication it has.
 */
import { cubicAxis, linearAxis } from './axes';

/**
 * Matrix that turns absolute positions of a square pretraining grid, with a class token in front, into
 * those of a canvas (official `get_abs_pos`: bicubic where the grids differ).
 *
 * @param side token rows (and columns) of the pretraining grid.
 * @returns `(rows * columns, side * side + 1)`, row-major; the class token's column is zero.
 */
export function absolutePositionMatrix(side: number, rows: number, columns: number): Float32Array {
  const vertical = cubicAxis(rows, side);
  const horizontal = cubicAxis(columns, side);
  const width = side * side + 1;
  const matrix = new Float32Array(rows * columns * width);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (r * columns + c) * width + 1;
      for (let i = 0; i < side; i++) {
        const v = vertical[r * side + i];
        if (v === 0) continue;
        for (let j = 0; j < side; j++) matrix[at + i * side + j] = v * horizontal[c * side + j];
      }
    }
  }
  return matrix;
}

/**
 * Matrix that turns a table of relative positions into one code per (query, key) pair of an axis
 * (official `get_rel_pos`: linear where the lengths differ).
 *
 * @param entries rows of the learned table.
 * @param length tokens along the axis.
 * @returns `(length * length, entries)`, row `query * length + key`.
 */
export function relativePositionMatrix(entries: number, length: number): Float32Array {
  const distances = 2 * length - 1;
  const resize = linearAxis(distances, entries);
  const matrix = new Float32Array(length * length * entries);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      const distance = query - key + length - 1;
      for (let e = 0; e < entries; e++) {
        matrix[(query * length + key) * entries + e] = resize[distance * entries + e];
      }
    }
  }
  return matrix;
}
