import * as tf from '@tensorflow/tfjs';
import type { StoredTensor, StoredType } from '../../../src/tensors/stored-tensor';
import { TfjsEngine } from '../../../src/engines/tfjs/tfjs-engine';
import { createWasmEngine, type WasmEngine } from '../../../src/engines/wasm';
import { floatToHalf } from '../../../src/tensors/half';
import type { KernelExports } from '../../../src/engines/wasm/kernel-module';
import { ONES } from '../../../src/engines/wasm/memory-map';
import { DotKind } from '../../../src/engines/wasm/opcodes';
import type { WasmEngineParts } from '../../../src/engines/wasm/wasm-engine';

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

/** Every inner loop on bytes; `steps` between the smallest and the largest left-hand one. */
export const byteKernels = [
  { name: 'relaxed dot', kind: DotKind.Relaxed, relaxedSimd: true, steps: 255 },
  { name: 'relaxed quads', kind: DotKind.RelaxedQuads, relaxedSimd: true, steps: 127 },
  { name: 'plain SIMD', kind: DotKind.Widened, relaxedSimd: false, steps: 255 },
  { name: 'scalar', kind: DotKind.Scalar, relaxedSimd: false, steps: 255 },
];

/** An int8 engine with the inner loop that is asked for rather than the one it would choose. */
export async function byteEngine({
  kind,
  relaxedSimd,
}: {
  readonly kind: DotKind;
  readonly relaxedSimd: boolean;
}): Promise<WasmEngine> {
  const engine = await createWasmEngine({ threads: 1, precision: 'int8', relaxedSimd });
  const { pool } = (engine as unknown as { held: WasmEngineParts }).held;
  const { kernels } = pool as unknown as { kernels: KernelExports };
  kernels.configure(false, kind, ONES);
  return engine;
}
