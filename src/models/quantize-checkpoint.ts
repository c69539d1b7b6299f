import type { StoredTensor } from '../tensors/stored-tensor';
import { throwIfAborted } from '../base/abort';
import { parameterShapes, type PainterConfig } from './seggpt/config';
import { checkParameters } from '../checkpoints/check-parameters';
import { toFloat32 } from '../tensors/element-types';
import { quantizeRows } from '../tensors/quantize-rows';
import type { TensorSource } from '../checkpoints/tensor-source';

/** Weights that the CPU engine keeps in floating point under int8 too: convolutions, not matrices. */
function staysFloat(name: string, shape: readonly number[]): boolean {
  return shape.length !== 2 || !name.endsWith('.weight') || name.includes('rel_pos');
}

/**
 * The parameters of a checkpoint with every large matrix as int8 with one scale for each output channel,
 * rounded as the CPU engine rounds; everything else stays as it is.
 *
 * @throws CheckpointError if the checkpoint does not fit its config, AbortedError.
 */
export async function quantizeCheckpoint(
  source: TensorSource,
  config: PainterConfig,
  signal?: AbortSignal,
): Promise<StoredTensor[]> {
  const shapes = parameterShapes(config);
  checkParameters(source, shapes);
  const tensors: StoredTensor[] = [];
  for (const [name, shape] of shapes) {
    throwIfAborted(signal);
    const tensor = await source.read(name);
    if (staysFloat(name, shape) || tensor.dtype === 'I8') {
      tensors.push(tensor);
      continue;
    }
    const { integers, scales } = quantizeRows(toFloat32(tensor), shape[0]);
    tensors.push({ name, shape, dtype: 'I8', data: new Uint8Array(integers.buffer), scales });
  }
  return tensors;
}
