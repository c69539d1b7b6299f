import { elementBytes, toFloat32 } from '../tensors/element-types';
import type { StoredTensor } from '../tensors/stored-tensor';
import { floatTensor } from './weight-reader';

/** The rows of a tensor (its first axis) in another order: row `i` of the result is row `order[i]`. */
export function reorderRows(tensor: StoredTensor, order: readonly number[]): StoredTensor {
  const [rows, ...rest] = tensor.shape;
  const bytes = (tensor.data.byteLength / rows) | 0;
  const data = new Uint8Array(order.length * bytes);
  order.forEach((from, to) =>
    data.set(tensor.data.subarray(from * bytes, (from + 1) * bytes), to * bytes),
  );
  const scales = tensor.scales && Float32Array.from(order, (row) => tensor.scales![row]);
  return { ...tensor, shape: [order.length, ...rest], data, ...(scales && { scales }) };
}

/** The rows of a tensor (its first axis), each multiplied by a factor; in float32. */
export function scaleRows(tensor: StoredTensor, factors: ArrayLike<number>): StoredTensor {
  const values = toFloat32(tensor).slice();
  const width = values.length / tensor.shape[0];
  for (let i = 0; i < values.length; i++) values[i] *= factors[Math.floor(i / width)];
  return floatTensor(tensor.name, tensor.shape, values);
}

/** Tensors of equal rows one under the other, as one product can take them; of several types in float32. */
export function stackRows(name: string, tensors: readonly StoredTensor[]): StoredTensor {
  const [{ dtype, shape }] = tensors;
  const alike = tensors.every((each) => each.dtype === dtype);
  const parts = alike
    ? tensors
    : tensors.map((each) => floatTensor(each.name, each.shape, toFloat32(each)));
  const rows = tensors.reduce((sum, each) => sum + each.shape[0], 0);
  const rowValues = shape.slice(1).reduce((a, b) => a * b, 1);
  const data = new Uint8Array(rows * rowValues * elementBytes(parts[0].dtype));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.byteLength;
  }
  const scales =
    alike && dtype === 'I8' ? concatenated(parts.map((each) => each.scales!)) : undefined;
  return {
    name,
    dtype: parts[0].dtype,
    shape: [rows, ...shape.slice(1)],
    data,
    ...(scales && { scales }),
  };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
