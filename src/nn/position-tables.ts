/**
 * Resizing of learned position tables, as matrices: `resized = matrix · table`. A matrix keeps the
 * step differentiable and lets every engine use the multiplication it has.
 */

/** Weights of cubic convolution (Keys 1981) with a = -0.75, the constant PyTorch uses, at offset t in [0, 1). */
function cubicWeights(t: number): [number, number, number, number] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** `(outputs, inputs)`: bicubic resampling along one axis, half-pixel centres, edges repeated, no antialiasing. */
function cubicAxis(outputs: number, inputs: number): Float64Array {
  const matrix = new Float64Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const x = ((o + 0.5) * inputs) / outputs - 0.5;
    const left = Math.floor(x);
    cubicWeights(x - left).forEach((weight, i) => {
      const source = Math.min(Math.max(left - 1 + i, 0), inputs - 1);
      matrix[o * inputs + source] += weight;
    });
  }
  return matrix;
}

/** `(outputs, inputs)`: linear resampling along one axis, half-pixel centres, edges repeated. */
function linearAxis(outputs: number, inputs: number): Float64Array {
  const matrix = new Float64Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const x = Math.max(((o + 0.5) * inputs) / outputs - 0.5, 0);
    const left = Math.min(Math.floor(x), inputs - 1);
    const right = Math.min(left + 1, inputs - 1);
    matrix[o * inputs + left] += 1 - (x - left);
    matrix[o * inputs + right] += x - left;
  }
  return matrix;
}

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
