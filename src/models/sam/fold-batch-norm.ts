import type { TensorEntry, TensorSource } from '../../checkpoints/tensor-source';
import { toFloat32 } from '../../tensors/element-types';
import type { StoredTensor } from '../../tensors/stored-tensor';
import { floatTensor } from '../weight-reader';

/** Added to variances by PyTorch's batch norms. */
const EPSILON = 1e-5;

/**
 * A checkpoint in which every convolution `NAME.c.weight` that a batch norm `NAME.bn` follows has become one with a bias,
 * `NAME.c.weight` and `NAME.c.bias`: what the pair computes once training is over (Ioffe and Szegedy 2015,
 * arXiv:1502.03167, section 3.1).
 */
export function foldBatchNorms(source: TensorSource): TensorSource {
  const statistic = /^(.*)\.bn\.(weight|bias|running_mean|running_var|num_batches_tracked)$/;
  const entries = new Map<string, TensorEntry>();
  const folded = new Set<string>();
  for (const [name, entry] of source.entries) {
    const stem = statistic.exec(name)?.[1];
    if (stem === undefined) entries.set(name, entry);
    else if (!folded.has(stem)) {
      folded.add(stem);
      const shift = source.entries.get(`${stem}.bn.bias`);
      if (shift) entries.set(`${stem}.c.bias`, { dtype: 'F32', shape: shift.shape });
    }
  }
  if (folded.size === 0) return source;

  const read = async (name: string): Promise<StoredTensor> => {
    const [, stem, side] = /^(.*)\.c\.(weight|bias)$/.exec(name) ?? [];
    if (stem === undefined || !folded.has(stem)) return source.read(name);
    const floats = async (part: string) => toFloat32(await source.read(`${stem}.bn.${part}`));
    const [gamma, beta] = [await floats('weight'), await floats('bias')];
    const [mean, variance] = [await floats('running_mean'), await floats('running_var')];
    const scale = gamma.map((value, i) => value / Math.sqrt(variance[i] + EPSILON));
    if (side === 'bias') {
      const bias = beta.map((value, i) => value - mean[i] * scale[i]);
      return floatTensor(name, [bias.length], bias);
    }
    const weight = await source.read(name);
    const values = toFloat32(weight);
    const row = values.length / scale.length;
    for (let i = 0; i < values.length; i++) values[i] *= scale[Math.floor(i / row)];
    return floatTensor(name, weight.shape, values);
  };
  return { ...source, entries, read };
}
