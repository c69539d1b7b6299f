import { toFloat32 } from '../../tensors/element-types';
import type { StoredTensor } from '../../tensors/stored-tensor';
import { packedSizes, packFloats, packIntegers, type Packing } from './pack-linear';
import type { Recorder } from './recorder';
import { WasmLinear } from './wasm-tensor';

/** Packs a layer's weights into the engine's memory. `weight` is `(outputs, …)`, `bias` `(outputs)`. */
export function loadLinear(
  { arena, memory, floats }: Recorder,
  weight: StoredTensor,
  bias: StoredTensor | null,
  packing: Packing,
): WasmLinear {
  const outputs = weight.shape[0];
  const inputs = weight.shape.slice(1).reduce((a, b) => a * b, 1);
  const { weights: bytes, vector } = packedSizes(packing, inputs, outputs);
  const weights = arena.allocate(bytes, true);
  const biasAt = arena.allocate(vector, true);
  let [scales, sums] = [0, 0];
  if (packing === 'int8') {
    scales = arena.allocate(vector, true);
    sums = arena.allocate(vector, true);
    packIntegers(weight, inputs, outputs, {
      bytes: new Uint8Array(memory.buffer, weights, bytes),
      scales: floats(scales, vector / 4).fill(0),
      sums: floats(sums, vector / 4).fill(0),
    });
  } else {
    const panels =
      packing === 'f16'
        ? new Uint16Array(memory.buffer, weights, bytes / 2)
        : new Float32Array(memory.buffer, weights, bytes / 4);
    packFloats(weight, inputs, outputs, panels);
  }
  const biases = floats(biasAt, vector / 4).fill(0);
  if (bias) biases.set(toFloat32(bias));
  return new WasmLinear(inputs, outputs, packing, weights, biasAt, scales, sums);
}
