import { CheckpointError } from '../../base/errors';
import { checkPainterConfig, type PainterConfig, vitLargeConfig } from './config';
import type { TensorSource } from '../../checkpoints/tensor-source';

/**
 * Works a config out of a checkpoint that carries none (`.pth`, a bare `.safetensors`): all sizes are
 * in the shapes; merge index and taps follow the official layout (merge after block 2, taps evenly
 * spaced up to the last block).
 *
 * @throws CheckpointError if the tensors are not a SegGPT painter's.
 */
export function inferConfig(source: TensorSource): PainterConfig {
  const shape = (name: string): readonly number[] => {
    const entry = source.entries.get(name);
    if (!entry) {
      throw new CheckpointError(
        `${source.origin} lacks the tensor "${name}"; it is not a SegGPT checkpoint.`,
      );
    }
    return entry.shape;
  };
  const has = (name: string) => source.entries.has(name);
  let depth = 0;
  while (has(`model.encoder.layers.${depth}.attention.qkv.weight`)) depth++;
  const [width, , patch] = shape('model.embeddings.patch_embeddings.projection.weight');
  const layer = 'model.encoder.layers.0';
  const relativePositions = has(`${layer}.attention.rel_pos_h`);
  // Without relative positions nothing tells the head size; 64 is every published ViT's.
  const headWidth = relativePositions ? shape(`${layer}.attention.rel_pos_h`)[1] : 64;
  const side = (table: string, fallback: number) =>
    relativePositions ? ((shape(table)[0] + 1) / 2) * patch : fallback;
  const tapCount = shape('decoder.decoder_embed.weight')[1] / width;
  const config: PainterConfig = {
    width,
    depth,
    heads: width / headWidth,
    mlpWidth: shape(`${layer}.mlp.lin1.weight`)[0],
    patch,
    canvas: {
      height: side(`${layer}.attention.rel_pos_h`, vitLargeConfig.canvas.height),
      width: side(`${layer}.attention.rel_pos_w`, vitLargeConfig.canvas.width),
    },
    pretrainSize: Math.sqrt(shape('model.embeddings.position_embeddings')[1] - 1) * patch,
    mergeIndex: vitLargeConfig.mergeIndex,
    taps: Array.from({ length: tapCount }, (_, i) => Math.round((depth * (i + 1)) / tapCount) - 1),
    decoderWidth: shape('decoder.decoder_pred.conv.weight')[0],
    relativePositions,
    qkvBias: has(`${layer}.attention.qkv.bias`),
    layerNormEpsilon: vitLargeConfig.layerNormEpsilon,
  };
  checkPainterConfig(config, source.origin);
  return config;
}
