/**
 * The one table of a painter's parameters: where each stands in the model, its Hugging Face name, its shape, and its name
 * in the official `models_seggpt.py`. Loading, checking, inferring a config, quantising and renaming all read it.
 */
import type { ParameterSpec } from '../parameter-table';
import type { PainterConfig } from './config';

/** A linear layer or convolution. */
export interface LinearSpec {
  readonly weight: ParameterSpec;
  readonly bias: ParameterSpec | null;
}

/** A layer norm. */
export interface NormSpec {
  readonly gamma: ParameterSpec;
  readonly beta: ParameterSpec;
}

export interface BlockSpec {
  readonly attentionNorm: NormSpec;
  readonly qkv: LinearSpec;
  readonly projection: LinearSpec;
  readonly relative: { readonly rows: ParameterSpec; readonly columns: ParameterSpec } | null;
  readonly mlpNorm: NormSpec;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
}

/** Parameters by their place in the model, in the order in which they are loaded. */
export interface PainterSpec {
  readonly patchEmbedding: LinearSpec;
  readonly maskToken: ParameterSpec;
  readonly segmentTokens: { readonly image: ParameterSpec; readonly mask: ParameterSpec };
  readonly typeTokens: { readonly semantic: ParameterSpec; readonly instance: ParameterSpec };
  readonly positions: ParameterSpec;
  /** The largest: it comes while little else is in memory. */
  readonly decoderEmbedding: LinearSpec;
  readonly blocks: readonly BlockSpec[];
  readonly norm: NormSpec;
  readonly head: {
    readonly convolution: LinearSpec;
    readonly norm: NormSpec;
    readonly colors: LinearSpec;
  };
}

const token = (name: string, official: string, width: number): ParameterSpec => ({
  name: `model.embeddings.${name}`,
  shape: [1, 1, 1, width],
  kind: 'vector',
  exact: true,
  aliases: [official],
});

const table = (name: string, official: string, shape: readonly number[]): ParameterSpec => ({
  name,
  shape,
  kind: 'table',
  exact: true,
  aliases: [official],
});

const linear = (
  name: string,
  official: string,
  shape: readonly number[],
  { bias = true, exact = false } = {},
): LinearSpec => ({
  weight: {
    name: `${name}.weight`,
    shape,
    kind: 'weight',
    exact,
    aliases: [`${official}.weight`],
  },
  bias: bias
    ? {
        name: `${name}.bias`,
        shape: [shape[0]],
        kind: 'bias',
        exact: true,
        aliases: [`${official}.bias`],
      }
    : null,
});

const norm = (name: string, official: string, width: number): NormSpec => {
  const vector = (side: string): ParameterSpec => ({
    name: `${name}.${side}`,
    shape: [width],
    kind: 'vector',
    exact: true,
    aliases: [`${official}.${side}`],
  });
  return { gamma: vector('weight'), beta: vector('bias') };
};

/** The parameters of one block. */
export function blockSpec(config: PainterConfig, index: number): BlockSpec {
  const { width: D, mlpWidth, heads, canvas, patch } = config;
  const layer = `model.encoder.layers.${index}`;
  const official = `blocks.${index}`;
  const relative = (axis: string, side: number) =>
    table(`${layer}.attention.rel_pos_${axis}`, `${official}.attn.rel_pos_${axis}`, [
      (2 * side) / patch - 1,
      D / heads,
    ]);
  return {
    attentionNorm: norm(`${layer}.layernorm_before`, `${official}.norm1`, D),
    qkv: linear(`${layer}.attention.qkv`, `${official}.attn.qkv`, [3 * D, D], {
      bias: config.qkvBias,
    }),
    projection: linear(`${layer}.attention.proj`, `${official}.attn.proj`, [D, D]),
    relative: config.relativePositions
      ? { rows: relative('h', canvas.height), columns: relative('w', canvas.width) }
      : null,
    mlpNorm: norm(`${layer}.layernorm_after`, `${official}.norm2`, D),
    expand: linear(`${layer}.mlp.lin1`, `${official}.mlp.fc1`, [mlpWidth, D]),
    contract: linear(`${layer}.mlp.lin2`, `${official}.mlp.fc2`, [D, mlpWidth]),
  };
}

/** All parameters, by their place in the model. */
export function painterSpec(config: PainterConfig): PainterSpec {
  const { width: D, patch: p, decoderWidth: C, taps, pretrainSize, depth } = config;
  const embeddings = 'model.embeddings';
  return {
    patchEmbedding: linear(
      `${embeddings}.patch_embeddings.projection`,
      'patch_embed.proj',
      [D, 3, p, p],
      { exact: true },
    ),
    maskToken: token('mask_token', 'mask_token', D),
    segmentTokens: {
      image: token('segment_token_input', 'segment_token_x', D),
      mask: token('segment_token_prompt', 'segment_token_y', D),
    },
    typeTokens: {
      semantic: token('type_token_semantic', 'type_token_cls', D),
      instance: token('type_token_instance', 'type_token_ins', D),
    },
    positions: table(`${embeddings}.position_embeddings`, 'pos_embed', [
      1,
      (pretrainSize / p) ** 2 + 1,
      D,
    ]),
    decoderEmbedding: linear('decoder.decoder_embed', 'decoder_embed', [
      p * p * C,
      D * taps.length,
    ]),
    blocks: Array.from({ length: depth }, (_, i) => blockSpec(config, i)),
    norm: norm('model.encoder.layernorm', 'norm', D),
    head: {
      convolution: linear('decoder.decoder_pred.conv', 'decoder_pred.0', [C, C, 3, 3], {
        exact: true,
      }),
      norm: norm('decoder.decoder_pred.layernorm', 'decoder_pred.1', C),
      colors: linear('decoder.decoder_pred.head', 'decoder_pred.3', [3, C, 1, 1], { exact: true }),
    },
  };
}

/** All parameters in one list, in the order of {@link painterSpec}. */
export function painterParameters(config: PainterConfig): ParameterSpec[] {
  return flatten(painterSpec(config));
}

function flatten(node: unknown): ParameterSpec[] {
  if (node === null || typeof node !== 'object') return [];
  if ('kind' in node) return [node as ParameterSpec];
  return Object.values(node).flatMap(flatten);
}
