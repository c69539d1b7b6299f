import type { NdArray } from 'ndarray';

/** Values of an ndarray in row-major order, whatever its strides, as a new float32 array. */
export function toFloats(array: NdArray): Float32Array {
  const { shape, stride, offset, data } = array;
  const length = shape.reduce((a, b) => a * b, 1);
  const result = new Float32Array(length);
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < length; i++) {
    result[i] = Number((data as ArrayLike<number>)[at]);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += stride[axis];
      if (++index[axis] < shape[axis]) break;
      at -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
