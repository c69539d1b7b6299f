import { warn } from '../../base/warn';
import { checkAgainst, countParameters } from '../parameter-table';
import type { ModelDescription, ModelFamily } from '../family';
import type { TensorSource } from '../../checkpoints/tensor-source';
import {
  type PainterConfig,
  parseInputSize,
  parsePainterConfig,
  type PictureSize,
  toHuggingFaceConfig,
  vitLargeConfig,
} from './config';
import { inferConfig } from './infer-config';
import { painterParameters, painterSpec } from './parameter-table';
import { withPainterNames } from './stored-names';

/** A painter's checkpoint, read and checked, before its weights are. */
export interface PainterDescription {
  readonly source: TensorSource;
  readonly config: PainterConfig;
  /** The size pictures are squeezed to before they are stitched. */
  readonly inputSize: PictureSize;
}

/** @throws CheckpointError if config and parameters are not a painter's, or do not fit together. */
export function describePainter(given: TensorSource): PainterDescription {
  const source = withPainterNames(given);
  const config =
    source.config === null ? inferConfig(source) : parsePainterConfig(source.config, source.origin);
  const canvasIsGuessed =
    source.config === null && source.preprocessor == null && config.depth !== vitLargeConfig.depth;
  if (canvasIsGuessed) {
    const { height, width } = config.canvas;
    warn(
      'INPUT_SIZE',
      `${source.origin} comes without config.json and preprocessor_config.json, so pictures go in at ${height / 2} x ${width}, as its tables of positions suggest. If its training says otherwise, give the whole directory, or the option resolution.`,
    );
  }
  const inputSize = parseInputSize(source.preprocessor, config, source.origin);
  checkAgainst(source, painterParameters(config));
  return { source, config, inputSize };
}

/** SegGPT painters: Hugging Face's `seggpt`, and the official `seggpt_vit_large.pth`. */
export const seggptFamily: ModelFamily = {
  name: 'seggpt',

  detect({ config, entries }) {
    const type = (config as { model_type?: unknown } | null)?.model_type;
    if (type !== undefined) return type === 'seggpt';
    const { name, aliases } = painterSpec(vitLargeConfig).maskToken;
    return config !== null || [name, ...aliases].some((each) => entries.has(each));
  },

  describe(given): ModelDescription {
    const { source, config, inputSize } = describePainter(given);
    const parameters = painterParameters(config);
    const types = [...new Set([...source.entries.values()].map(({ dtype }) => dtype))];
    const { depth, width, heads, patch, canvas, decoderWidth, taps } = config;
    return {
      family: seggptFamily.name,
      config: toHuggingFaceConfig(config),
      parameters,
      source,
      rows: [
        [
          'parameters',
          `${(countParameters(parameters) / 1e6).toFixed(1)} million (${types.join(', ')})`,
        ],
        ['transformer', `${depth} blocks of width ${width}, ${heads} heads, patch ${patch}`],
        [
          'canvas',
          `trained at ${canvas.height} x ${canvas.width}; pictures go in at ${inputSize.height} x ${inputSize.width}`,
        ],
        ['decoder', `width ${decoderWidth}, reads blocks ${taps.join(', ')}`],
      ],
    };
  },
};
