/** Resampling along one axis, as matrices: `resampled = matrix · samples`. Half-pixel centres. */

/** Cubic convolution (Keys 1981) with the constant a, at a distance of 0 … 2. */
function cubicWeight(a: number, x: number): number {
  return x < 1
    ? ((a + 2) * x - (a + 3)) * x * x + 1
    : x < 2
      ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
      : 0;
}

/** Weights of the four samples around an offset t in [0, 1), with a = -0.75, the constant PyTorch uses. */
function cubicWeights(t: number): number[] {
  return [t + 1, t, 1 - t, 2 - t].map((x) => cubicWeight(-0.75, x));
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

/**
 * `(outputs, inputs)`: bicubic resampling along one axis as PyTorch does it with `antialias`: a = -0.5, kernels as wide as the
 * step between outputs, cut off at the edges and brought to a sum of 1.
 */
export function smoothCubicAxis(outputs: number, inputs: number): Float64Array {
  const matrix = new Float64Array(outputs * inputs);
  const step = Math.max(1, inputs / outputs);
  for (let o = 0; o < outputs; o++) {
    const center = ((o + 0.5) * inputs) / outputs;
    const first = Math.max(0, Math.trunc(center - 2 * step + 0.5));
    const end = Math.min(inputs, Math.trunc(center + 2 * step + 0.5));
    let sum = 0;
    for (let i = first; i < end; i++)
      sum += matrix[o * inputs + i] = cubicWeight(-0.5, Math.abs(i - center + 0.5) / step);
    for (let i = first; i < end; i++) matrix[o * inputs + i] /= sum;
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
