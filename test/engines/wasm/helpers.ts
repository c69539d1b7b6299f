import * as tf from '@tensorflow/tfjs';
import type { StoredTensor, StoredType } from '../../../src/engines/engine';
import { TfjsEngine } from '../../../src/engines/tfjs/tfjs-engine';
import { floatToHalf } from '../../../src/engines/wasm/half';

/** The specification, on TF.js's plain JavaScript backend. */
export async function plainTfjs(): Promise<TfjsEngine> {
  await tf.setBackend('cpu');
  await tf.ready();
  return new TfjsEngine(tf, 'cpu');
}

/** Numbers in [-1, 1], the same for the same seed (xorshift32, Marsaglia 2003). */
export function randomFloats(length: number, seed: number): Float32Array {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

/** A tensor as a checkpoint stores it. */
export function stored(
  shape: readonly number[],
  seed: number,
  dtype: StoredType = 'F32',
): StoredTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = randomFloats(length, seed);
  const bytes = (array: ArrayBufferView) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (dtype) {
    case 'F32':
      return { name: 'weight', dtype, shape, data: bytes(values) };
    case 'F16':
      return { name: 'weight', dtype, shape, data: bytes(Uint16Array.from(values, floatToHalf)) };
    case 'BF16': {
      const words = new Uint32Array(values.buffer);
      return {
        name: 'weight',
        dtype,
        shape,
        data: bytes(Uint16Array.from(words, (word) => word >>> 16)),
      };
    }
    case 'I8': {
      const data = bytes(Int8Array.from(values, (value) => Math.round(value * 127)));
      return { name: 'weight', dtype, shape, data, scales: randomFloats(shape[0], seed + 100) };
    }
  }
}
