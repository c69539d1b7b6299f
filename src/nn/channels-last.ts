import type { StoredTensor } from '../tensors/stored-tensor';
import { elementBytes } from '../tensors/element-types';

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
