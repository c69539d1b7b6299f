import { throwIfAborted } from '../base/abort';
import { toFloat32 } from '../tensors/element-types';
import { quantizeRows } from '../tensors/quantize-rows';
import type { StoredTensor } from '../tensors/stored-tensor';
import type { ModelDescription } from './family';

/**
 * The parameters of a model with every large matrix as int8 with one scale for each output channel,
 * rounded as the CPU engine rounds; everything else stays as it is.
 *
 * @throws CheckpointError if a tensor cannot be read, AbortedError.
 */
export async function quantizeCheckpoint(
  { parameters, source }: Pick<ModelDescription, 'parameters' | 'source'>,
  signal?: AbortSignal,
): Promise<StoredTensor[]> {
  const tensors: StoredTensor[] = [];
  for (const { name, shape, exact } of parameters) {
    throwIfAborted(signal);
    const tensor = await source.read(name);
    if (exact || tensor.dtype === 'I8') {
      tensors.push(tensor);
      continue;
    }
    const { integers, scales } = quantizeRows(toFloat32(tensor), shape[0]);
    tensors.push({ name, shape, dtype: 'I8', data: new Uint8Array(integers.buffer), scales });
  }
  return tensors;
}
