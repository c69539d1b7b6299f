/** Resampling along one axis, as matrices: `resampled = matrix · samples`. Half-pixel centres, no antialiasing. */

/** Weights of cubic convolution (Keys 1981) with a = -0.75, the constant PyTorch uses, at offset t in [0, 1). */
function cubicWeights(t: number): [number, number, number, number] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** `(outputs, inputs)`: bicubic resampling along one axis, half-pixel centres, edges repeated, no antialiasing. */
export function cubicAxis(outputs: number, inputs: number): Float64Array {
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
export function linearAxis(outputs: number, inputs: number): Float64Array {
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
