import { CheckpointError } from '../../base/errors';
import type { TensorSource } from '../../checkpoints/tensor-source';
import { configLimits } from '../config-limits';
import type { DinoConfig } from './config';

/**
 * The config of a checkpoint that comes without one, as the original `.pth` files do: by its parameters' shapes under the
 * table's names. Heads leave no trace in them: all published models have 64 channels a head, but MAE's ViT-H, which has 80.
 *
 * @throws CheckpointError if it is none of these models.
 */
export function inferDinoConfig({ entries, origin }: TensorSource): DinoConfig {
  const shapeOf = (name: string) => entries.get(name)?.shape;
  const [width = 0, , patch = 0] = shapeOf('embeddings.patch_embeddings.weight') ?? [];
  let depth = 0;
  while (depth <= configLimits.depth && entries.has(`encoder.layer.${depth}.norm1.weight`)) depth++;
  const mlpWidth = shapeOf('encoder.layer.0.mlp.up_proj.weight')?.[0] ?? 0;
  const positions = shapeOf('embeddings.position_embeddings');
  const headWidth = width === 1280 && positions && patch === 14 && depth === 32 ? 80 : 64;
  const side = Math.sqrt((positions?.at(-2) ?? 1) - 1);
  if (!(width > 0 && patch > 0 && depth > 0 && mlpWidth > 0) || width % headWidth !== 0)
    throw new CheckpointError(
      `${origin} comes without config.json, and is none of the original DINO, DINOv2, DINOv3 and MAE models: give the whole directory.`,
    );
  if (positions && !Number.isInteger(side))
    throw new CheckpointError(`${origin}: its positions are of no square grid.`);
  const registers = shapeOf('embeddings.register_tokens')?.at(-2) ?? 0;
  const layerScale = entries.has('encoder.layer.0.layer_scale1.lambda1');
  const rotary = positions === undefined;
  return {
    modelType: rotary
      ? 'dinov3_vit'
      : registers > 0
        ? 'dinov2_with_registers'
        : layerScale
          ? 'dinov2'
          : 'vit',
    ...{ width, depth, mlpWidth, patch, registers, layerScale },
    heads: width / headWidth,
    gated: entries.has('encoder.layer.0.mlp.gate_proj.weight'),
    qkvBias: entries.has('encoder.layer.0.attention.query.bias'),
    keyBias: entries.has('encoder.layer.0.attention.key.bias'),
    positions: rotary
      ? { kind: 'rotary', theta: 100 }
      : { kind: 'learned', side, antialias: registers > 0 },
    layerNormEpsilon: rotary ? 1e-5 : 1e-6,
  };
}
