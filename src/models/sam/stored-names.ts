import { CheckpointError } from '../../base/errors';
import type { TensorSource } from '../../checkpoints/tensor-source';
import { renamed } from '../parameter-table';
import { mobileSamConfig, samBaseConfig, type SamConfig, type VitEncoderConfig } from './config';
import { foldBatchNorms } from './fold-batch-norm';
import { samParameters, samSpec } from './parameter-table';

/** More blocks than any transformer has; a name may say anything. */
const MOST_BLOCKS = 1024;

/** What files carry beside the model: TinyViT's classifier, and tables that follow from others. */
const beside = [
  /^image_encoder\.(head|norm_head)\./,
  /\.attention_bias_idxs$/,
  /\.num_batches_tracked$/,
];

/** A checkpoint under the table's names, whether it has Hugging Face's, SAM's or MobileSAM's; unknown names stay. */
export function withSamNames(given: TensorSource): TensorSource {
  const { frequencies } = samSpec(samBaseConfig).prompts;
  const [official, tied] = frequencies.aliases;
  const names = new Map<string, string>();
  if (given.entries.has(official)) {
    for (const { name, aliases } of samParameters(officialConfig(given)))
      for (const alias of aliases) names.set(alias, name);
  } else if (!given.entries.has(frequencies.name)) names.set(tied, frequencies.name);
  const dropped = (name: string) =>
    beside.some((pattern) => pattern.test(name)) ||
    (name === tied && given.entries.has(frequencies.name));
  const entries = new Map([...given.entries].filter(([name]) => !dropped(name)));
  const source = foldBatchNorms({ ...given, entries });
  return renamed(source, (stored) => names.get(stored) ?? stored);
}

/** Any config whose table has a checkpoint's names: they depend on the kind of encoder and its depth, not on sizes. */
function officialConfig(given: TensorSource): SamConfig {
  if (!given.entries.has('image_encoder.patch_embed.proj.weight')) return mobileSamConfig;
  const encoder = { ...(samBaseConfig.encoder as VitEncoderConfig), depth: depthOf(given) };
  return { ...samBaseConfig, encoder };
}

function depthOf({ entries, origin }: TensorSource): number {
  let depth = 0;
  for (const name of entries.keys()) {
    const index = /^image_encoder\.blocks\.(\d+)\./.exec(name)?.[1];
    if (index !== undefined) depth = Math.max(depth, Number(index) + 1);
  }
  if (depth > MOST_BLOCKS)
    throw new CheckpointError(
      `${origin} names block ${depth - 1}; models have at most ${MOST_BLOCKS}.`,
    );
  return depth;
}
