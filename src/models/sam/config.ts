import { CheckpointError } from '../../base/errors';
import { shown } from '../../base/shown';
import { configLimits } from '../config-limits';

/** A plain vision transformer with windows (Li et al. 2022, arXiv:2203.16527), as SAM's own encoders are. */
export interface VitEncoderConfig {
  /** Tells the two kinds of encoder apart. */
  readonly kind: 'vit';
  /** `D`, channels of a token. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads of a block. */
  readonly heads: number;
  /** Hidden channels of a block's MLP. */
  readonly mlpWidth: number;
  /** Side of a window, in tokens. */
  readonly window: number;
  /** Blocks that look at the whole picture. */
  readonly globalBlocks: readonly number[];
  /** Whether blocks have decomposed relative positions. */
  readonly relativePositions: boolean;
  /** Whether tokens have absolute positions. */
  readonly absolutePositions: boolean;
  /** Whether queries, keys and values have biases. */
  readonly qkvBias: boolean;
  /** Added to variances. */
  readonly layerNormEpsilon: number;
}

/** TinyViT (Wu et al. 2022, arXiv:2207.10666) as MobileSAM has it (arXiv:2306.14289): one entry for each of four stages. */
export interface TinyVitEncoderConfig {
  /** Tells the two kinds of encoder apart. */
  readonly kind: 'tiny-vit';
  /** Channels of each stage; the first is convolutional. */
  readonly widths: readonly number[];
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Heads of each stage; the first's is not used. */
  readonly heads: readonly number[];
  /** Side of each stage's windows, in tokens; the first's is not used. */
  readonly windows: readonly number[];
  /** Added to variances of the blocks' norms. */
  readonly layerNormEpsilon: number;
}

/** Architecture of a SAM model (Kirillov et al. 2023, arXiv:2304.02643). */
export interface SamConfig {
  /** Side of the padded square that goes in, in pixels. */
  readonly imageSize: number;
  /** Pixels of the square to a side of the grid of features. */
  readonly patch: number;
  /** Channels of the features, and of the decoder. */
  readonly channels: number;
  /** The image encoder. */
  readonly encoder: VitEncoderConfig | TinyVitEncoderConfig;
  /** Channels of a mask prompt's last hidden convolution. */
  readonly maskChannels: number;
  /** The mask decoder. */
  readonly decoder: {
    /** Two-way blocks. */
    readonly depth: number;
    readonly heads: number;
    readonly mlpWidth: number;
    /** By how much attention between tokens and picture is narrower. */
    readonly downsample: number;
    /** Masks for one prompt when several are asked for: 3. There is one more, for when one is. */
    readonly multimaskOutputs: number;
    readonly iouDepth: number;
    readonly iouWidth: number;
    readonly layerNormEpsilon: number;
  };
}

/** Names by which a config says what it is. */
export const modelTypes = { vit: 'sam', 'tiny-vit': 'mobile_sam' } as const;

const decoder = {
  depth: 2,
  heads: 8,
  mlpWidth: 2048,
  downsample: 2,
  multimaskOutputs: 3,
  iouDepth: 3,
  iouWidth: 256,
  layerNormEpsilon: 1e-6,
};
const common = { imageSize: 1024, patch: 16, channels: 256, maskChannels: 16, decoder };
const vit = (width: number, depth: number, heads: number, globalBlocks: number[]): SamConfig => ({
  ...common,
  encoder: {
    ...{ kind: 'vit', width, depth, heads, mlpWidth: 4 * width, window: 14, globalBlocks },
    ...{ relativePositions: true, absolutePositions: true, qkvBias: true, layerNormEpsilon: 1e-6 },
  },
});

/** SAM ViT-B: `facebook/sam-vit-base`, `sam_vit_b_01ec64.pth`. */
export const samBaseConfig = vit(768, 12, 12, [2, 5, 8, 11]);

/** SAM ViT-L. */
export const samLargeConfig = vit(1024, 24, 16, [5, 11, 17, 23]);

/** SAM ViT-H. */
export const samHugeConfig = vit(1280, 32, 16, [7, 15, 23, 31]);

/** MobileSAM: TinyViT-5M. */
export const mobileSamConfig: SamConfig = {
  ...common,
  encoder: {
    kind: 'tiny-vit',
    widths: [64, 128, 160, 320],
    depths: [2, 2, 6, 2],
    heads: [2, 4, 5, 10],
    windows: [7, 7, 14, 7],
    layerNormEpsilon: 1e-5,
  },
};

type Json = Record<string, unknown>;

/**
 * Reads a `config.json` of type `sam` as Hugging Face has it, or of type `mobile_sam`, this package's own; what it leaves
 * out is ViT-B's or TinyViT-5M's.
 *
 * @throws CheckpointError naming what does not fit.
 */
export function parseSamConfig(config: unknown, origin: string): SamConfig {
  const root = (config ?? {}) as Json;
  const section = (name: string) => (root[name] ?? {}) as Json;
  const read = (values: Json, name: string, fallback: number, least = 1): number => {
    const value = values[name] ?? fallback;
    const most = configLimits.width;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw new CheckpointError(
        `${origin}: ${name} must be a whole number from ${least} to ${most}, is ${shown(value)}.`,
      );
    return value as number;
  };
  const positive = (values: Json, name: string, fallback: number): number => {
    const value = values[name] ?? fallback;
    if (typeof value !== 'number' || !(value > 0))
      throw new CheckpointError(`${origin}: ${name} must be a number above 0, is ${shown(value)}.`);
    return value;
  };
  const list = (
    values: Json,
    name: string,
    fallback: readonly number[],
    length?: number,
  ): readonly number[] => {
    const value = values[name] ?? fallback;
    const sound =
      Array.isArray(value) &&
      value.length <= configLimits.depth &&
      value.every((each) => Number.isInteger(each) && each >= 0 && each <= configLimits.width);
    if (!sound || (length !== undefined && value.length !== length))
      throw new CheckpointError(
        `${origin}: ${name} must be a list of ${length ?? ''} whole numbers, is ${shown(value)}.`,
      );
    return value as number[];
  };
  const truth = (values: Json, name: string, fallback: boolean): boolean => {
    const value = values[name] ?? fallback;
    if (typeof value !== 'boolean')
      throw new CheckpointError(`${origin}: ${name} must be true or false, is ${shown(value)}.`);
    return value;
  };
  const [vision, prompts, masks] = [
    'vision_config',
    'prompt_encoder_config',
    'mask_decoder_config',
  ].map(section);
  const tiny = root.model_type === modelTypes['tiny-vit'];
  const base = tiny ? mobileSamConfig : samBaseConfig;
  const imageSize = read(vision, 'image_size', base.imageSize);
  const patch = read(vision, 'patch_size', base.patch);
  const channels = read(masks, 'hidden_size', base.channels);
  const encoder = tiny ? tinyEncoder() : vitEncoder();
  const parsed: SamConfig = {
    ...{ imageSize, patch, channels, encoder },
    maskChannels: read(prompts, 'mask_input_channels', base.maskChannels),
    decoder: {
      depth: read(masks, 'num_hidden_layers', decoder.depth),
      heads: read(masks, 'num_attention_heads', decoder.heads),
      mlpWidth: read(masks, 'mlp_dim', decoder.mlpWidth),
      downsample: read(masks, 'attention_downsample_rate', decoder.downsample),
      multimaskOutputs: read(masks, 'num_multimask_outputs', decoder.multimaskOutputs),
      iouDepth: read(masks, 'iou_head_depth', decoder.iouDepth, 2),
      iouWidth: read(masks, 'iou_head_hidden_dim', decoder.iouWidth),
      layerNormEpsilon: positive(masks, 'layer_norm_eps', decoder.layerNormEpsilon),
    },
  };
  checkSamConfig(parsed, origin);
  return parsed;

  function vitEncoder(): VitEncoderConfig {
    const { encoder: b } = samBaseConfig as { encoder: VitEncoderConfig };
    const width = read(vision, 'hidden_size', b.width);
    const act = vision.hidden_act ?? 'gelu';
    if (act !== 'gelu')
      throw new CheckpointError(`${origin}: hidden_act must be "gelu", is ${shown(act)}.`);
    return {
      kind: 'vit',
      width,
      depth: read(vision, 'num_hidden_layers', b.depth),
      heads: read(vision, 'num_attention_heads', b.heads),
      mlpWidth:
        vision.mlp_dim == null
          ? Math.round(width * positive(vision, 'mlp_ratio', 4))
          : read(vision, 'mlp_dim', b.mlpWidth),
      window: read(vision, 'window_size', b.window, 0),
      globalBlocks: list(vision, 'global_attn_indexes', b.globalBlocks),
      relativePositions: truth(vision, 'use_rel_pos', true),
      absolutePositions: truth(vision, 'use_abs_pos', true),
      qkvBias: truth(vision, 'qkv_bias', true),
      layerNormEpsilon: positive(vision, 'layer_norm_eps', b.layerNormEpsilon),
    };
  }

  function tinyEncoder(): TinyVitEncoderConfig {
    const { encoder: b } = mobileSamConfig as { encoder: TinyVitEncoderConfig };
    return {
      kind: 'tiny-vit',
      widths: list(vision, 'embed_dims', b.widths, 4),
      depths: list(vision, 'depths', b.depths, 4),
      heads: list(vision, 'num_heads', b.heads, 4),
      windows: list(vision, 'window_sizes', b.windows, 4),
      layerNormEpsilon: positive(vision, 'layer_norm_eps', b.layerNormEpsilon),
    };
  }
}

/** @throws CheckpointError if the sizes of a config do not fit together. */
export function checkSamConfig(config: SamConfig, origin: string): void {
  const { imageSize, patch, channels, encoder, decoder } = config;
  const fail = (message: string): never => {
    throw new CheckpointError(`${origin}: ${message}`);
  };
  const divides = (part: number, whole: number) => part > 0 && whole % part === 0;
  const depths = encoder.kind === 'vit' ? [encoder.depth] : encoder.depths;
  if (![...depths, decoder.depth, decoder.iouDepth].every((depth) => depth <= configLimits.depth))
    fail(`its numbers of layers are too large.`);
  if (!(imageSize <= configLimits.side)) fail(`image_size ${imageSize} is too large.`);
  if (!divides(patch, imageSize))
    fail(`image_size ${imageSize} is no multiple of patch_size ${patch}.`);
  if (!divides(2 * decoder.downsample * decoder.heads, 2 * channels))
    fail(
      `hidden_size ${channels} of the decoder does not divide into ${decoder.heads} heads, ${decoder.downsample} times narrower.`,
    );
  if (channels % 8 !== 0) fail(`hidden_size ${channels} of the decoder must be a multiple of 8.`);
  if (encoder.kind === 'vit') {
    if (!divides(encoder.heads, encoder.width))
      fail(`hidden_size ${encoder.width} does not divide into ${encoder.heads} heads.`);
    const beyond = encoder.globalBlocks.find((index) => index >= encoder.depth);
    if (beyond !== undefined)
      fail(`global_attn_indexes names block ${beyond}, but the last is ${encoder.depth - 1}.`);
  } else {
    if (patch !== 16) fail(`patch_size must be 16, is ${patch}.`);
    encoder.widths.forEach((width, stage) => {
      if (stage > 0 && !divides(encoder.heads[stage], width))
        fail(
          `${width} channels of stage ${stage} do not divide into ${encoder.heads[stage]} heads.`,
        );
      if (stage > 0 && !(encoder.windows[stage] > 0)) fail(`window_sizes must be above 0.`);
      if (!(width > 0) || width % 2) fail(`embed_dims must be even and above 0.`);
    });
  }
}

/** A config as `config.json` has it; {@link parseSamConfig} reads it back. */
export function toSamJson(config: SamConfig): Record<string, unknown> {
  const { imageSize, patch, channels, encoder, maskChannels, decoder } = config;
  const sizes = { image_size: imageSize, patch_size: patch };
  const vision =
    encoder.kind === 'vit'
      ? {
          hidden_size: encoder.width,
          output_channels: channels,
          num_hidden_layers: encoder.depth,
          num_attention_heads: encoder.heads,
          num_channels: 3,
          hidden_act: 'gelu',
          layer_norm_eps: encoder.layerNormEpsilon,
          qkv_bias: encoder.qkvBias,
          use_abs_pos: encoder.absolutePositions,
          use_rel_pos: encoder.relativePositions,
          window_size: encoder.window,
          global_attn_indexes: encoder.globalBlocks,
          mlp_dim: encoder.mlpWidth,
        }
      : {
          embed_dims: encoder.widths,
          depths: encoder.depths,
          num_heads: encoder.heads,
          window_sizes: encoder.windows,
          layer_norm_eps: encoder.layerNormEpsilon,
        };
  return {
    model_type: modelTypes[encoder.kind],
    vision_config: { ...sizes, ...vision },
    prompt_encoder_config: {
      ...sizes,
      hidden_size: channels,
      mask_input_channels: maskChannels,
      num_point_embeddings: 4,
    },
    mask_decoder_config: {
      hidden_size: channels,
      mlp_dim: decoder.mlpWidth,
      num_hidden_layers: decoder.depth,
      num_attention_heads: decoder.heads,
      attention_downsample_rate: decoder.downsample,
      num_multimask_outputs: decoder.multimaskOutputs,
      iou_head_depth: decoder.iouDepth,
      iou_head_hidden_dim: decoder.iouWidth,
      layer_norm_eps: decoder.layerNormEpsilon,
    },
  };
}
