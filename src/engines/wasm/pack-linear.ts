import { elementBytes, toFloat32 } from '../../tensors/element-types';
import { LARGEST_WEIGHT, quantizeRows } from '../../tensors/quantize-rows';
import type { StoredTensor } from '../../tensors/stored-tensor';
import { floatToHalf } from '../../tensors/half';
import { PANEL } from './opcodes';

/** How a layer's weights are kept. */
export type Packing = 'f32' | 'f16' | 'int8';

/** What a packed layer takes, in bytes. Vectors are padded to whole panels. */
export function packedSizes(packing: Packing, inputs: number, outputs: number) {
  const panels = Math.ceil(outputs / PANEL);
  const depth = packing === 'int8' ? paddedDepth(inputs) : inputs;
  return {
    weights: panels * PANEL * depth * { f32: 4, f16: 2, int8: 1 }[packing],
    vector: panels * PANEL * 4,
  };
}

/** Inputs rounded up to the four that a byte product takes at once. */
export function paddedDepth(inputs: number): number {
  return Math.ceil(inputs / 4) * 4;
}

/** Rows `[start, end)` of a `(outputs, …)` tensor, without copying. */
function rowsOf(tensor: StoredTensor, start: number, end: number, inputs: number): StoredTensor {
  const row = inputs * elementBytes(tensor.dtype);
  return {
    ...tensor,
    shape: [end - start, inputs],
    data: tensor.data.subarray(start * row, end * row),
    scales: tensor.scales?.subarray(start, end),
  };
}

/**
 * Packs `(outputs, inputs)` weights into float panels `(outputs / 16, inputs, 16)`, a panel at a time.
 * `to` is `Float32Array`, or `Uint16Array` for half precision.
 */
export function packFloats(
  weight: StoredTensor,
  inputs: number,
  outputs: number,
  to: Float32Array | Uint16Array,
): void {
  const half = to instanceof Uint16Array;
  for (let first = 0; first < outputs; first += PANEL) {
    const there = Math.min(PANEL, outputs - first);
    const values = toFloat32(rowsOf(weight, first, first + there, inputs));
    let at = first * inputs;
    for (let k = 0; k < inputs; k++) {
      for (let j = 0; j < there; j++) {
        const value = values[j * inputs + k];
        to[at + j] = half ? floatToHalf(value) : value;
      }
      for (let j = there; j < PANEL; j++) to[at + j] = 0;
      at += PANEL;
    }
  }
}

/** Where int8 weights go: bytes `(outputs / 16, inputs / 4, 16, 4)`, and a scale and a scaled sum per output. */
export interface Int8Target {
  readonly bytes: Uint8Array;
  readonly scales: Float32Array;
  /** scale * sum of the integers: what an activation's offset is multiplied by. */
  readonly sums: Float32Array;
}

/** Packs weights as unsigned 7-bit numbers, `integer + 64`; see `assembly/tile-int8.ts`. */
export function packIntegers(
  weight: StoredTensor,
  inputs: number,
  outputs: number,
  to: Int8Target,
): void {
  const depth = paddedDepth(inputs);
  for (let first = 0; first < outputs; first += PANEL) {
    const there = Math.min(PANEL, outputs - first);
    const { integers, scales } = integersOf(rowsOf(weight, first, first + there, inputs), there);
    const panel = to.bytes.subarray(first * depth, (first + PANEL) * depth);
    panel.fill(64);
    for (let j = 0; j < there; j++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) {
        const integer = integers[j * inputs + k];
        sum += integer;
        panel[(k >> 2) * 64 + j * 4 + (k & 3)] = integer + 64;
      }
      to.scales[first + j] = scales[j];
      to.sums[first + j] = scales[j] * sum;
    }
  }
}

/** Integers as a checkpoint stores them if they fit 7 bits; rounded anew otherwise. */
function integersOf(
  rows: StoredTensor,
  count: number,
): { integers: Int8Array; scales: Float32Array } {
  if (rows.dtype === 'I8' && rows.scales) {
    const integers = new Int8Array(rows.data.buffer, rows.data.byteOffset, rows.data.byteLength);
    if (integers.every((integer) => Math.abs(integer) <= LARGEST_WEIGHT))
      return { integers, scales: rows.scales };
  }
  return quantizeRows(toFloat32(rows), count);
}
