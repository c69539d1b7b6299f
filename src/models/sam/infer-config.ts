import { CheckpointError } from '../../base/errors';
import type { TensorSource } from '../../checkpoints/tensor-source';
import {
  mobileSamConfig,
  samBaseConfig,
  type SamConfig,
  samHugeConfig,
  samLargeConfig,
  type VitEncoderConfig,
} from './config';

/**
 * The config of a checkpoint that comes without one, as the official `.pth` files do: by its parameters' shapes under the
 * table's names. Heads and global blocks leave no trace in them, so an encoder must be one of SAM's own, or TinyViT-5M.
 *
 * @throws CheckpointError if it is neither.
 */
export function inferSamConfig({ entries, origin }: TensorSource): SamConfig {
  const width = entries.get('vision_encoder.patch_embed.projection.weight')?.shape[0];
  if (width === undefined && entries.has('image_encoder.patch_embed.seq.0.c.weight'))
    return official(mobileSamConfig);
  const known = [samBaseConfig, samLargeConfig, samHugeConfig].find(
    ({ encoder }) => (encoder as VitEncoderConfig).width === width,
  );
  if (!known)
    throw new CheckpointError(
      `${origin} comes without config.json, and its encoder is none of SAM's ViT-B, L and H or MobileSAM's: give the whole directory.`,
    );
  return official(known);
}

/** The official code's norms in the decoder are PyTorch's, by default; Hugging Face's have their own epsilon. */
function official(config: SamConfig): SamConfig {
  return { ...config, decoder: { ...config.decoder, layerNormEpsilon: 1e-5 } };
}
