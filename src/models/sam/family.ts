import type { TensorSource } from '../../checkpoints/tensor-source';
import type { ModelDescription, ModelFamily } from '../family';
import { checkAgainst, countParameters } from '../parameter-table';
import { modelTypes, parseSamConfig, type SamConfig, toSamJson } from './config';
import { inferSamConfig } from './infer-config';
import { samParameters } from './parameter-table';
import { withSamNames } from './stored-names';

/** A SAM checkpoint, read and checked, before its weights are. */
export interface SamDescription {
  readonly source: TensorSource;
  readonly config: SamConfig;
}

/** @throws CheckpointError if config and parameters are not SAM's, or do not fit together. */
export function describeSam(given: TensorSource): SamDescription {
  const source = withSamNames(given);
  const config =
    source.config === null ? inferSamConfig(source) : parseSamConfig(source.config, source.origin);
  checkAgainst(source, samParameters(config));
  return { source, config };
}

/** SAM (`facebook/sam-vit-base` …, `sam_vit_b_01ec64.pth` …) and MobileSAM (`mobile_sam.pt`, the bundled one). */
export const samFamily: ModelFamily = {
  name: 'sam',

  detect({ config, entries }) {
    const type = (config as { model_type?: unknown } | null)?.model_type;
    if (type !== undefined) return Object.values<unknown>(modelTypes).includes(type);
    return config === null && entries.has('prompt_encoder.not_a_point_embed.weight');
  },

  describe(given): ModelDescription {
    const { source, config } = describeSam(given);
    const parameters = samParameters(config);
    const types = [...new Set([...source.entries.values()].map(({ dtype }) => dtype))];
    const { encoder, imageSize, patch, channels, decoder } = config;
    return {
      family: samFamily.name,
      config: toSamJson(config),
      parameters,
      source,
      rows: [
        [
          'parameters',
          `${(countParameters(parameters) / 1e6).toFixed(1)} million (${types.join(', ')})`,
        ],
        [
          'encoder',
          encoder.kind === 'vit'
            ? `ViT, ${encoder.depth} blocks of width ${encoder.width}, ${encoder.heads} heads, windows of ${encoder.window}, global blocks ${encoder.globalBlocks.join(', ')}`
            : `TinyViT, stages of ${encoder.depths.join(', ')} blocks, widths ${encoder.widths.join(', ')}`,
        ],
        [
          'features',
          `${imageSize / patch} x ${imageSize / patch} x ${channels} of pictures padded to ${imageSize} x ${imageSize}`,
        ],
        [
          'decoder',
          `${decoder.depth} two-way blocks, ${decoder.heads} heads, ${decoder.multimaskOutputs + 1} masks`,
        ],
      ],
    };
  },
};
