import type { StoredTensor } from '../tensors/stored-tensor';
import { elementBytes, toFloat32 } from '../tensors/element-types';

/**
 * A convolution kernel `(O, I, y, x)` as the weights of a linear layer over neighbourhoods in
 * (y, x, channel) order: `(O, y * x * I)`. Tensors of two dimensions pass through.
 */
export function channelsLast(tensor: StoredTensor): StoredTensor {
  if (tensor.shape.length !== 4) return tensor;
  const [outputs, inputs, height, width] = tensor.shape;
  const bytes = elementBytes(tensor.dtype);
  const data = new Uint8Array(tensor.data.length);
  const area = height * width;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let s = 0; s < area; s++) {
        const from = ((o * inputs + i) * area + s) * bytes;
        const to = ((o * area + s) * inputs + i) * bytes;
        for (let b = 0; b < bytes; b++) data[to + b] = tensor.data[from + b];
      }
    }
  }
  return { ...tensor, shape: [outputs, area * inputs], data };
}

/** Undoes {@link channelsLast} for float32 values: `(O, y * x * I)` → `(O, I, y, x)`. */
export function channelsFirst(values: Float32Array, shape: readonly number[]): Float32Array {
  const [outputs, inputs, height, width] = shape;
  const area = height * width;
  const result = new Float32Array(values.length);
  for (let o = 0; o < outputs; o++) {
    for (let s = 0; s < area; s++) {
      for (let i = 0; i < inputs; i++)
        result[(o * inputs + i) * area + s] = values[(o * area + s) * inputs + i];
    }
  }
  return result;
}

/**
 * The kernel of a transposed convolution whose stride is its size, `(I, O, s, s)`, as the weights of a linear layer
 * `(s * s * O, I)`: its outputs are one pixel's patch in (y, x, channel) order, and `pixelShuffle` puts them in place.
 */
export function transposedKernel(tensor: StoredTensor): StoredTensor {
  const [inputs, outputs, height, width] = tensor.shape;
  const values = toFloat32(tensor);
  const area = height * width;
  const kernel = new Float32Array(values.length);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      for (let s = 0; s < area; s++)
        kernel[(s * outputs + o) * inputs + i] = values[(i * outputs + o) * area + s];
    }
  }
  return {
    name: tensor.name,
    dtype: 'F32',
    shape: [area * outputs, inputs],
    data: new Uint8Array(kernel.buffer),
  };
}

/** The kernel of a depthwise convolution, `(C, 1, y, x)`, as `(y * x, C)`. */
export function depthwiseKernel(tensor: StoredTensor): { values: Float32Array; shape: number[] } {
  const [channels, , height, width] = tensor.shape;
  const stored = toFloat32(tensor);
  const area = height * width;
  const values = new Float32Array(stored.length);
  for (let c = 0; c < channels; c++) {
    for (let s = 0; s < area; s++) values[s * channels + c] = stored[c * area + s];
  }
  return { values, shape: [area, channels] };
}
