import { CheckpointError } from '../../base/errors';
import { shown } from '../../base/shown';
import { configLimits } from '../config-limits';

/**
 * Hyperparameters of a SegGPT painter. Sizes of pictures are in pixels, `mergeIndex` and `taps` count
 * blocks from 0.
 */
export interface PainterConfig {
  /** `D`, width of the token stream. */
  readonly width: number;
  /** Number of transformer blocks. */
  readonly depth: number;
  /** Heads of attention; they divide the width. */
  readonly heads: number;
  /** Hidden width of the MLP in each block. */
  readonly mlpWidth: number;
  /** `p`, side of a patch. */
  readonly patch: number;
  /** Canvas the model was trained on: prompt half over target half. */
  readonly canvas: { readonly height: number; readonly width: number };
  /** Side of the square picture whose patches `position_embeddings` were made for. */
  readonly pretrainSize: number;
  /** The image stream and the mask stream are averaged after this block. */
  readonly mergeIndex: number;
  /** Blocks whose normed outputs the decoder reads. */
  readonly taps: readonly number[];
  /** `C`, channels per pixel in the decoder. */
  readonly decoderWidth: number;
  /** Whether attention has decomposed relative positions (Li et al. 2022, section 4). */
  readonly relativePositions: boolean;
  /** Whether query, key and value projections have a bias. */
  readonly qkvBias: boolean;
  /** Added to the variance in layer normalisations. */
  readonly layerNormEpsilon: number;
}

/** The config of the official `seggpt_vit_large.pth`, which carries none of its own. */
export const vitLargeConfig: PainterConfig = {
  width: 1024,
  depth: 24,
  heads: 16,
  mlpWidth: 4096,
  patch: 16,
  canvas: { height: 896, width: 448 },
  pretrainSize: 224,
  mergeIndex: 2,
  taps: [5, 11, 17, 23],
  decoderWidth: 64,
  relativePositions: true,
  qkvBias: true,
  layerNormEpsilon: 1e-6,
};

/**
 * Reads the fields of a Hugging Face `config.json` of model type `seggpt`
 * (transformers, `configuration_seggpt.py`); missing fields have that file's defaults.
 *
 * @throws CheckpointError if it describes another architecture, or sizes that do not fit together.
 */
export function parsePainterConfig(json: unknown, origin = 'config.json'): PainterConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CheckpointError(`${origin} does not hold a JSON object.`);
  }
  const fields = json as Record<string, unknown>;
  if (fields.model_type !== undefined && fields.model_type !== 'seggpt') {
    throw new CheckpointError(
      `${origin} describes a model of type ${shown(fields.model_type)}; only "seggpt" checkpoints can be loaded.`,
    );
  }
  const positive = (name: string, fallback: number, most: number = configLimits.width): number => {
    const value = fields[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0 || value > most) {
      throw new CheckpointError(
        `${origin}: ${name} must be a positive integer up to ${most}, found ${shown(value)}.`,
      );
    }
    return value;
  };
  const flag = (name: string, fallback: boolean): boolean => {
    const value = fields[name] ?? fallback;
    if (typeof value !== 'boolean') {
      throw new CheckpointError(`${origin}: ${name} must be true or false, found ${shown(value)}.`);
    }
    return value;
  };
  if ((fields.hidden_act ?? 'gelu') !== 'gelu') {
    throw new CheckpointError(
      `${origin}: hidden_act is ${shown(fields.hidden_act)}; only "gelu" is supported.`,
    );
  }
  if ((fields.num_channels ?? 3) !== 3) {
    throw new CheckpointError(
      `${origin}: num_channels must be 3, found ${shown(fields.num_channels)}.`,
    );
  }
  const size = fields.image_size ?? [896, 448];
  const integers = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((item) => Number.isInteger(item) && item >= 0);
  if (!integers(size) || size.length !== 2) {
    throw new CheckpointError(
      `${origin}: image_size must be [height, width], found ${shown(size)}.`,
    );
  }
  const { depth, side } = configLimits;
  if (size.some((pixels) => pixels > 2 * side))
    throw new CheckpointError(`${origin}: image_size has sides above ${2 * side}: ${shown(size)}.`);
  const width = positive('hidden_size', 1024);
  const taps = fields.intermediate_hidden_state_indices ?? [5, 11, 17, 23];
  if (!integers(taps) || taps.length === 0) {
    throw new CheckpointError(
      `${origin}: intermediate_hidden_state_indices must list blocks, found ${shown(taps)}.`,
    );
  }
  const epsilon = fields.layer_norm_eps ?? 1e-6;
  if (typeof epsilon !== 'number' || !(epsilon >= 0)) {
    throw new CheckpointError(
      `${origin}: layer_norm_eps must be a number, found ${shown(epsilon)}.`,
    );
  }
  const mergeIndex = fields.merge_index ?? 2;
  if (typeof mergeIndex !== 'number' || !Number.isInteger(mergeIndex) || mergeIndex < 0) {
    throw new CheckpointError(
      `${origin}: merge_index must be an integer of 0 or more, found ${shown(mergeIndex)}.`,
    );
  }
  const config: PainterConfig = {
    width,
    depth: positive('num_hidden_layers', 24, depth),
    heads: positive('num_attention_heads', 16),
    mlpWidth: positive('mlp_dim', width * 4),
    patch: positive('patch_size', 16, side),
    canvas: { height: size[0], width: size[1] },
    pretrainSize: positive('pretrain_image_size', 224, side),
    mergeIndex,
    taps,
    decoderWidth: positive('decoder_hidden_size', 64),
    relativePositions: flag('use_relative_position_embeddings', true),
    qkvBias: flag('qkv_bias', true),
    layerNormEpsilon: epsilon,
  };
  checkPainterConfig(config, origin);
  return config;
}

/** Height and width in pixels. */
export interface PictureSize {
  /** In pixels. */
  readonly height: number;
  /** In pixels. */
  readonly width: number;
}

/**
 * The size pictures are squeezed to before they are stitched: that of a Hugging Face
 * `preprocessor_config.json`, or half the canvas the model was trained on where there is none. A model runs at other
 * sizes than it was trained at by resizing its positions.
 *
 * @throws CheckpointError if it is not a multiple of the patch.
 */
export function parseInputSize(json: unknown, config: PainterConfig, origin: string): PictureSize {
  const { size } = (json ?? {}) as { size?: Partial<PictureSize> | null };
  const { canvas, patch } = config;
  if (size === undefined || size === null)
    return { height: canvas.height / 2, width: canvas.width };
  const { height, width } = size;
  const sound = (side: unknown): side is number =>
    Number.isInteger(side) &&
    (side as number) > 0 &&
    (side as number) <= configLimits.side &&
    (side as number) % patch === 0;
  if (!sound(height) || !sound(width)) {
    throw new CheckpointError(
      `${origin}: height and width in preprocessor_config.json must be multiples of the patch, ${patch}, up to ${configLimits.side}, are ${shown(height)} and ${shown(width)}.`,
    );
  }
  return { height, width };
}

/** @throws CheckpointError if the sizes in a config do not fit together. */
export function checkPainterConfig(config: PainterConfig, origin: string): void {
  const { canvas, patch, width, heads, depth, mergeIndex, taps, pretrainSize } = config;
  const fail = (message: string): never => {
    throw new CheckpointError(`${origin}: ${message}`);
  };
  if (!(depth <= configLimits.depth)) fail(`${depth} blocks are too many.`);
  const sides = [patch, canvas.height / 2, canvas.width, pretrainSize];
  if (!sides.every((side) => side <= configLimits.side))
    fail(`its sizes in pixels, ${shown(sides)}, are too large.`);
  if (width % heads !== 0)
    fail(`hidden_size ${width} is not a multiple of num_attention_heads ${heads}.`);
  if (canvas.height < 2 * patch || canvas.height % (2 * patch) !== 0) {
    fail(`the canvas height ${canvas.height} must be a multiple of two patches (${2 * patch}).`);
  }
  if (canvas.width < patch || canvas.width % patch !== 0) {
    fail(`the canvas width ${canvas.width} must be a multiple of the patch size ${patch}.`);
  }
  if (pretrainSize % patch !== 0)
    fail(`pretrain_image_size ${pretrainSize} is not a multiple of patch_size ${patch}.`);
  if (mergeIndex >= depth) fail(`merge_index ${mergeIndex} is past the last block, ${depth - 1}.`);
  taps.forEach((tap, i) => {
    if (tap >= depth)
      fail(`intermediate_hidden_state_indices names block ${tap}, but the last is ${depth - 1}.`);
    if (tap < mergeIndex)
      fail(
        `intermediate_hidden_state_indices names block ${tap}, before the streams merge at ${mergeIndex}.`,
      );
    if (i > 0 && tap <= taps[i - 1]) fail('intermediate_hidden_state_indices must increase.');
  });
}

/** A config as a Hugging Face `config.json` has it; {@link parsePainterConfig} reads it back. */
export function toHuggingFaceConfig(config: PainterConfig): Record<string, unknown> {
  return {
    architectures: ['SegGptForImageSegmentation'],
    model_type: 'seggpt',
    hidden_size: config.width,
    num_hidden_layers: config.depth,
    num_attention_heads: config.heads,
    hidden_act: 'gelu',
    mlp_dim: config.mlpWidth,
    num_channels: 3,
    patch_size: config.patch,
    image_size: [config.canvas.height, config.canvas.width],
    pretrain_image_size: config.pretrainSize,
    merge_index: config.mergeIndex,
    intermediate_hidden_state_indices: config.taps,
    decoder_hidden_size: config.decoderWidth,
    use_relative_position_embeddings: config.relativePositions,
    qkv_bias: config.qkvBias,
    layer_norm_eps: config.layerNormEpsilon,
  };
}
