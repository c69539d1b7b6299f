import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ndarray, { type NdArray } from 'ndarray';
import { toFloat32 } from '../../src/tensors/element-types';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { openSafetensors } from '../../src/checkpoints/safetensors';

export const tinyModel = join(__dirname, '..', 'fixtures', 'tiny');

export interface ReferenceTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Outputs of the official model, by stage. */
export async function readReference(name: string): Promise<Map<string, ReferenceTensor>> {
  const file = join(tinyModel, `${name}.safetensors`);
  const source = await openSafetensors(memoryAccess(readFileSync(file), file));
  const tensors = new Map<string, ReferenceTensor>();
  for (const [key, { shape }] of source.entries) {
    tensors.set(key, { shape, values: toFloat32(await source.read(key)) });
  }
  return tensors;
}

/** `(N, 3, H, W)` → `(N, H, W, 3)` view. */
export function channelsLast({ shape, values }: ReferenceTensor): NdArray<Float32Array> {
  return ndarray(values, [...shape]).transpose(0, 2, 3, 1);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
