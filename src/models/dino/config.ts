import { CheckpointError } from '../../base/errors';
import { shown } from '../../base/shown';
import { configLimits } from '../config-limits';

/** How a token knows where it is. */
export type DinoPositions =
  /** A learned table over a square grid of `side` tokens, resized bicubically, `antialias`ed or not. */
  | { readonly kind: 'learned'; readonly side: number; readonly antialias: boolean }
  /** Rotary positions of the patches (DINOv3, arXiv:2508.10104). */
  | { readonly kind: 'rotary'; readonly theta: number };

/**
 * A plain vision transformer that was trained without labels: DINO (arXiv:2104.14294), DINOv2 (arXiv:2304.07193) with or
 * without registers (arXiv:2309.16588), DINOv3, and the encoder of a MAE (arXiv:2111.06377).
 */
export interface DinoConfig {
  /** Its name in `config.json`: `vit`, `vit_mae`, `dinov2`, `dinov2_with_registers` or `dinov3_vit`. */
  readonly modelType: DinoModelType;
  /** `D`, channels of a token. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads of a block. */
  readonly heads: number;
  /** Hidden channels of a block's MLP. */
  readonly mlpWidth: number;
  /** Whether the MLP is gated (SwiGLU, arXiv:2002.05202). */
  readonly gated: boolean;
  /** Side of a patch, in pixels. */
  readonly patch: number;
  /** Tokens beside those of patches and of the class. */
  readonly registers: number;
  /** Whether what a block adds is scaled by a learned factor for each channel. */
  readonly layerScale: boolean;
  /** Whether queries and values have biases. */
  readonly qkvBias: boolean;
  /** Whether keys have biases, too. */
  readonly keyBias: boolean;
  /** How tokens of patches know where they are. */
  readonly positions: DinoPositions;
  /** Added to variances. */
  readonly layerNormEpsilon: number;
}

/** What a checkpoint's config calls it. */
export type DinoModelType = 'vit' | 'vit_mae' | 'dinov2' | 'dinov2_with_registers' | 'dinov3_vit';

/** By `model_type`: defaults that are not the same for all. */
const kinds: Readonly<
  Record<DinoModelType, { layerScale: boolean; antialias: boolean; epsilon: number }>
> = {
  vit: { layerScale: false, antialias: false, epsilon: 1e-12 },
  vit_mae: { layerScale: false, antialias: false, epsilon: 1e-12 },
  dinov2: { layerScale: true, antialias: false, epsilon: 1e-6 },
  dinov2_with_registers: { layerScale: true, antialias: true, epsilon: 1e-6 },
  dinov3_vit: { layerScale: true, antialias: false, epsilon: 1e-5 },
};

/** Whether a `model_type` is one of these models. */
export function isDinoType(type: unknown): type is DinoModelType {
  return typeof type === 'string' && Object.hasOwn(kinds, type);
}

/** Activations of plain MLPs by their names: one. Gated ones have SiLU. */
const activations = { plain: ['gelu'], gated: ['silu', 'gelu'] } as const;

/** @throws CheckpointError for a `config.json` that does not describe such a model. */
export function parseDinoConfig(json: unknown, origin: string): DinoConfig {
  const config = Object(json) as Record<string, unknown>;
  const fail = (message: string): never => {
    throw new CheckpointError(`${origin}: ${message}`);
  };
  const { model_type: type } = config;
  if (!isDinoType(type)) return fail(`model_type ${shown(type)} is none that is known.`);
  const checked = (key: string, value: unknown, least: number, most: number) => {
    if (!(Number.isInteger(value) && (value as number) >= least && (value as number) <= most))
      fail(`${key} must be a whole number from ${least} to ${most}, is ${shown(value)}.`);
    return value as number;
  };
  const whole = (key: string, fallback: number, least = 1, most: number = configLimits.width) =>
    checked(key, config[key] ?? fallback, least, most);
  const positive = (key: string, fallback: number) => {
    const value = config[key] ?? fallback;
    if (!(typeof value === 'number' && value > 0 && Number.isFinite(value)))
      fail(`${key} must be a number above 0, is ${shown(value)}.`);
    return value as number;
  };
  const truth = (key: string, fallback: boolean) => {
    const value = config[key] ?? fallback;
    if (typeof value !== 'boolean') fail(`${key} must be true or false, is ${shown(value)}.`);
    return value as boolean;
  };
  const side = (key: string, fallback: number) => {
    const value: unknown = config[key] ?? fallback;
    const [height, width] = Array.isArray(value) ? (value as unknown[]) : [value, value];
    if (height !== width) fail(`${key} must be square, is ${shown(value)}.`);
    return checked(key, height, 1, configLimits.side);
  };

  const { layerScale, antialias, epsilon } = kinds[type];
  const isThird = type === 'dinov3_vit';
  const width = whole('hidden_size', isThird ? 384 : 768);
  const heads = whole('num_attention_heads', isThird ? 6 : 12);
  const gated = isThird ? truth('use_gated_mlp', false) : truth('use_swiglu_ffn', false);
  const patch = side('patch_size', type === 'dinov2' ? 14 : 16);
  const image = side('image_size', 224);
  const act = config.hidden_act ?? 'gelu';
  if (!activations[gated ? 'gated' : 'plain'].includes(act as 'gelu'))
    fail(
      `hidden_act ${shown(act)} is not computed here; plain MLPs have "gelu", gated ones "silu".`,
    );
  if (width % heads !== 0) fail(`hidden_size ${width} does not divide into ${heads} heads.`);
  if (isThird && (width / heads) % 4 !== 0)
    fail(`rotary positions want heads of a multiple of 4 channels, here are ${width / heads}.`);
  if (image < patch) fail(`image_size ${image} is smaller than patch_size ${patch}.`);
  const qkvBias = truth(isThird ? 'query_bias' : 'qkv_bias', true);
  if (isThird && truth('value_bias', true) !== qkvBias)
    fail('query_bias and value_bias must be alike.');
  const second = type === 'dinov2' || type === 'dinov2_with_registers';
  const hidden = second
    ? Math.trunc(width * positive('mlp_ratio', 4))
    : whole('intermediate_size', 4 * width);
  return {
    modelType: type,
    ...{ width, heads, gated, patch, layerScale, qkvBias },
    depth: whole('num_hidden_layers', 12, 1, configLimits.depth),
    mlpWidth: second && gated ? Math.ceil(Math.trunc((hidden * 2) / 3) / 8) * 8 : hidden,
    registers:
      type === 'dinov2_with_registers' || isThird
        ? whole('num_register_tokens', isThird ? 0 : 4, 0)
        : 0,
    keyBias: isThird ? truth('key_bias', false) : qkvBias,
    positions: isThird
      ? { kind: 'rotary', theta: positive('rope_theta', 100) }
      : { kind: 'learned', side: Math.floor(image / patch), antialias },
    layerNormEpsilon: positive('layer_norm_eps', epsilon),
  };
}

/** A config as `config.json` has it; {@link parseDinoConfig} reads it back. */
export function toDinoJson(config: DinoConfig): Record<string, unknown> {
  const { modelType, width, depth, heads, mlpWidth, gated, patch, registers, positions } = config;
  const isThird = modelType === 'dinov3_vit';
  const second = modelType === 'dinov2' || modelType === 'dinov2_with_registers';
  return {
    model_type: modelType,
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    patch_size: patch,
    image_size: positions.kind === 'learned' ? positions.side * patch : 224,
    hidden_act: gated && isThird ? 'silu' : 'gelu',
    layer_norm_eps: config.layerNormEpsilon,
    // Of a gated MLP two thirds are kept, in steps of 8: any ratio that comes to as much will do.
    ...(second
      ? { mlp_ratio: (gated ? mlpWidth * 1.5 : mlpWidth) / width, use_swiglu_ffn: gated }
      : { intermediate_size: mlpWidth }),
    ...((isThird || registers > 0) && { num_register_tokens: registers }),
    ...(isThird
      ? {
          ...{ query_bias: config.qkvBias, value_bias: config.qkvBias, key_bias: config.keyBias },
          ...{ use_gated_mlp: gated },
          rope_theta: positions.kind === 'rotary' ? positions.theta : 100,
        }
      : { qkv_bias: config.qkvBias }),
  };
}
