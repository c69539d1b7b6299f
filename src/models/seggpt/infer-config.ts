import { CheckpointError } from '../../base/errors';
import { checkPainterConfig, type PainterConfig, vitLargeConfig } from './config';
import type { ParameterSpec } from '../parameter-table';
import { blockSpec, painterSpec } from './parameter-table';
import type { TensorSource } from '../../checkpoints/tensor-source';

/**
 * Works a config out of a checkpoint that carries none (`.pth`, a bare `.safetensors`): all sizes are
 * in the shapes; merge index and taps follow the official layout (merge after block 2, taps evenly
 * spaced up to the last block).
 *
 * @throws CheckpointError if the tensors are not a SegGPT painter's.
 */
export function inferConfig(source: TensorSource): PainterConfig {
  const parts = painterSpec(vitLargeConfig);
  const first = parts.blocks[0];
  const shape = ({ name }: ParameterSpec): readonly number[] => {
    const entry = source.entries.get(name);
    if (!entry) {
      throw new CheckpointError(
        `${source.origin} lacks the tensor "${name}"; it is not a SegGPT checkpoint.`,
      );
    }
    return entry.shape;
  };
  const has = (spec: ParameterSpec) => source.entries.has(spec.name);
  let depth = 0;
  while (has(blockSpec(vitLargeConfig, depth).qkv.weight)) depth++;
  const [width, , patch] = shape(parts.patchEmbedding.weight);
  const { rows, columns } = first.relative!; // ViT-L has them
  const relativePositions = has(rows);
  // Without relative positions nothing tells the head size; 64 is every published ViT's.
  const headWidth = relativePositions ? shape(rows)[1] : 64;
  const side = (table: ParameterSpec, fallback: number) =>
    relativePositions ? ((shape(table)[0] + 1) / 2) * patch : fallback;
  const tapCount = shape(parts.decoderEmbedding.weight)[1] / width;
  if (!(tapCount <= depth))
    throw new CheckpointError(
      `${source.origin}: its decoder reads ${tapCount} blocks, but there are ${depth}.`,
    );
  const config: PainterConfig = {
    width,
    depth,
    heads: width / headWidth,
    mlpWidth: shape(first.expand.weight)[0],
    patch,
    canvas: {
      height: side(rows, vitLargeConfig.canvas.height),
      width: side(columns, vitLargeConfig.canvas.width),
    },
    pretrainSize: Math.sqrt(shape(parts.positions)[1] - 1) * patch,
    mergeIndex: vitLargeConfig.mergeIndex,
    taps: Array.from({ length: tapCount }, (_, i) => Math.round((depth * (i + 1)) / tapCount) - 1),
    decoderWidth: shape(parts.head.convolution.weight)[0],
    relativePositions,
    qkvBias: source.entries.has(first.qkv.bias!.name),
    layerNormEpsilon: vitLargeConfig.layerNormEpsilon,
  };
  checkPainterConfig(config, source.origin);
  return config;
}
