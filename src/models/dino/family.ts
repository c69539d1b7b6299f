import type { TensorSource } from '../../checkpoints/tensor-source';
import type { ModelDescription, ModelFamily } from '../family';
import { checkAgainst, countParameters } from '../parameter-table';
import { type DinoConfig, isDinoType, parseDinoConfig, toDinoJson } from './config';
import { inferDinoConfig } from './infer-config';
import { dinoParameters } from './parameter-table';
import { withDinoNames } from './stored-names';

/** A checkpoint, read and checked, before its weights are. */
export interface DinoDescription {
  readonly source: TensorSource;
  readonly config: DinoConfig;
}

/** @throws CheckpointError if config and parameters are not of these models, or do not fit together. */
export function describeDino(given: TensorSource): DinoDescription {
  const source = withDinoNames(given);
  const config =
    source.config === null
      ? inferDinoConfig(source)
      : parseDinoConfig(source.config, source.origin);
  checkAgainst(source, dinoParameters(config));
  return { source, config };
}

/** DINO, DINOv2, DINOv3 and MAE's encoder (`facebook/dino-vits8`, `dinov2-small`, `dinov3-vits16-pretrain-lvd1689m`, `vit-mae-base` …). */
export const dinoFamily: ModelFamily = {
  name: 'dino',

  detect({ config, entries }) {
    const type = (config as { model_type?: unknown } | null)?.model_type;
    if (type !== undefined) return isDinoType(type);
    return (
      config === null &&
      entries.has('patch_embed.proj.weight') &&
      entries.has('blocks.0.norm1.weight')
    );
  },

  describe(given): ModelDescription {
    const { source, config } = describeDino(given);
    const parameters = dinoParameters(config);
    const types = [...new Set([...source.entries.values()].map(({ dtype }) => dtype))];
    const { width, depth, heads, patch, registers, positions } = config;
    const millions = (countParameters(parameters) / 1e6).toFixed(1);
    return {
      family: dinoFamily.name,
      config: toDinoJson(config),
      parameters,
      source,
      rows: [
        ['parameters', `${millions} million (${types.join(', ')})`],
        ['encoder', `ViT, ${depth} blocks of width ${width}, ${heads} heads`],
        [
          'tokens',
          `patches of ${patch} x ${patch} pixels, a class token, ${registers} registers; ${positions.kind} positions`,
        ],
      ],
    };
  },
};
