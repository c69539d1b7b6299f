/**
 * The one table of a SAM model's parameters: where each stands in the model, its Hugging Face name, its shape, and its name
 * in the official files. TinyViT, which Hugging Face has not, goes by MobileSAM's names with batch norms folded.
 */
import {
  type LinearSpec,
  linearSpec,
  type NormSpec,
  normSpec,
  parametersIn,
  parameterSpec,
} from '../parameter-specs';
import type { ParameterSpec } from '../parameter-table';
import type { SamConfig, TinyVitEncoderConfig, VitEncoderConfig } from './config';

export interface NeckSpec {
  readonly reduce: LinearSpec;
  readonly norm1: NormSpec;
  readonly convolution: LinearSpec;
  readonly norm2: NormSpec;
}

export interface VitBlockSpec {
  readonly attentionNorm: NormSpec;
  readonly qkv: LinearSpec;
  readonly projection: LinearSpec;
  readonly relative: { readonly rows: ParameterSpec; readonly columns: ParameterSpec } | null;
  readonly mlpNorm: NormSpec;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
}

export interface VitSpec {
  readonly patchEmbedding: LinearSpec;
  readonly positions: ParameterSpec | null;
  readonly blocks: readonly VitBlockSpec[];
  readonly neck: NeckSpec;
}

/** Three convolutions, the middle one depthwise: an inverted bottleneck, or a step to the next stage. */
export interface BottleneckSpec {
  readonly expand: LinearSpec;
  readonly depthwise: LinearSpec;
  readonly contract: LinearSpec;
}

export interface TinyVitBlockSpec {
  readonly attentionNorm: NormSpec;
  readonly qkv: LinearSpec;
  /** `(heads, side * side)`, by how far apart two tokens are. */
  readonly biases: ParameterSpec;
  readonly projection: LinearSpec;
  readonly local: LinearSpec;
  readonly mlpNorm: NormSpec;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
}

export interface TinyVitSpec {
  readonly stem1: LinearSpec;
  readonly stem2: LinearSpec;
  readonly convolutions: readonly BottleneckSpec[];
  /** One between any two stages. */
  readonly merges: readonly BottleneckSpec[];
  /** Of the stages with attention. */
  readonly stages: readonly (readonly TinyVitBlockSpec[])[];
  readonly neck: NeckSpec;
}

export interface PromptEncoderSpec {
  /** `(2, channels / 2)` */
  readonly frequencies: ParameterSpec;
  /** Background point, foreground point, first corner, second corner. */
  readonly points: readonly ParameterSpec[];
  readonly notAPoint: ParameterSpec;
  readonly noMask: ParameterSpec;
  readonly mask: {
    readonly convolution1: LinearSpec;
    readonly norm1: NormSpec;
    readonly convolution2: LinearSpec;
    readonly norm2: NormSpec;
    readonly convolution3: LinearSpec;
  };
}

export interface AttentionSpec {
  readonly query: LinearSpec;
  readonly key: LinearSpec;
  readonly value: LinearSpec;
  readonly output: LinearSpec;
}

export interface TwoWayBlockSpec {
  readonly self: AttentionSpec;
  readonly norm1: NormSpec;
  readonly tokensToImage: AttentionSpec;
  readonly norm2: NormSpec;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
  readonly norm3: NormSpec;
  readonly imageToTokens: AttentionSpec;
  readonly norm4: NormSpec;
}

export interface DecoderSpec {
  readonly iouToken: ParameterSpec;
  readonly maskTokens: ParameterSpec;
  readonly blocks: readonly TwoWayBlockSpec[];
  readonly final: AttentionSpec;
  readonly finalNorm: NormSpec;
  readonly upscale1: LinearSpec;
  readonly upscaleNorm: NormSpec;
  readonly upscale2: LinearSpec;
  /** For each mask token three layers. */
  readonly hypernetworks: readonly (readonly LinearSpec[])[];
  readonly iouHead: readonly LinearSpec[];
}

/** All parameters by their place in the model. */
export interface SamSpec {
  readonly encoder: VitSpec | TinyVitSpec;
  readonly prompts: PromptEncoderSpec;
  readonly decoder: DecoderSpec;
}

export function samSpec(config: SamConfig): SamSpec {
  const { encoder } = config;
  return {
    encoder: encoder.kind === 'vit' ? vitSpec(config, encoder) : tinyVitSpec(config, encoder),
    prompts: promptEncoderSpec(config),
    decoder: decoderSpec(config),
  };
}

/** All parameters in one list. */
export function samParameters(config: SamConfig): ParameterSpec[] {
  return parametersIn(samSpec(config));
}

function vitSpec({ imageSize, patch, channels }: SamConfig, encoder: VitEncoderConfig): VitSpec {
  const { width: D, depth, heads, mlpWidth, window, globalBlocks } = encoder;
  const side = imageSize / patch;
  const [ours, official] = ['vision_encoder', 'image_encoder'];
  const block = (index: number): VitBlockSpec => {
    const [layer, theirs] = [`${ours}.layers.${index}`, `${official}.blocks.${index}`];
    const reach = window === 0 || globalBlocks.includes(index) ? side : window;
    const relative = (axis: string) =>
      parameterSpec(
        `${layer}.attn.rel_pos_${axis}`,
        [`${theirs}.attn.rel_pos_${axis}`],
        [2 * reach - 1, D / heads],
        'table',
      );
    return {
      attentionNorm: normSpec(`${layer}.layer_norm1`, [`${theirs}.norm1`], D),
      qkv: linearSpec(`${layer}.attn.qkv`, [`${theirs}.attn.qkv`], [3 * D, D], {
        bias: encoder.qkvBias,
      }),
      projection: linearSpec(`${layer}.attn.proj`, [`${theirs}.attn.proj`], [D, D]),
      relative: encoder.relativePositions ? { rows: relative('h'), columns: relative('w') } : null,
      mlpNorm: normSpec(`${layer}.layer_norm2`, [`${theirs}.norm2`], D),
      expand: linearSpec(`${layer}.mlp.lin1`, [`${theirs}.mlp.lin1`], [mlpWidth, D]),
      contract: linearSpec(`${layer}.mlp.lin2`, [`${theirs}.mlp.lin2`], [D, mlpWidth]),
    };
  };
  return {
    patchEmbedding: linearSpec(
      `${ours}.patch_embed.projection`,
      [`${official}.patch_embed.proj`],
      [D, 3, patch, patch],
      { exact: true },
    ),
    positions: encoder.absolutePositions
      ? parameterSpec(`${ours}.pos_embed`, [`${official}.pos_embed`], [1, side, side, D], 'table')
      : null,
    blocks: Array.from({ length: depth }, (_, i) => block(i)),
    neck: neckSpec(D, channels, {
      reduce: [`${ours}.neck.conv1`, `${official}.neck.0`],
      norm1: [`${ours}.neck.layer_norm1`, `${official}.neck.1`],
      convolution: [`${ours}.neck.conv2`, `${official}.neck.2`],
      norm2: [`${ours}.neck.layer_norm2`, `${official}.neck.3`],
    }),
  };
}

function tinyVitSpec({ channels }: SamConfig, encoder: TinyVitEncoderConfig): TinyVitSpec {
  const { widths, depths, heads, windows } = encoder;
  const root = 'image_encoder';
  const plain = (name: string, outputs: number, inputs: number, side = 1, exact = false) =>
    linearSpec(`${root}.${name}.c`, [], [outputs, inputs, side, side], { exact });
  const depthwise = (name: string, width: number): LinearSpec => ({
    weight: parameterSpec(`${root}.${name}.c.weight`, [], [width, 1, 3, 3], 'table'),
    bias: parameterSpec(`${root}.${name}.c.bias`, [], [width], 'bias'),
  });
  const bottleneck = (name: string, from: number, inner: number, to: number): BottleneckSpec => ({
    expand: plain(`${name}.conv1`, inner, from),
    depthwise: depthwise(`${name}.conv2`, inner),
    contract: plain(`${name}.conv3`, to, inner),
  });
  const block = (stage: number, index: number): TinyVitBlockSpec => {
    const D = widths[stage];
    const name = `layers.${stage}.blocks.${index}`;
    const full = `${root}.${name}`;
    const linear = (part: string, outputs: number, inputs: number) =>
      linearSpec(`${full}.${part}`, [], [outputs, inputs]);
    return {
      attentionNorm: normSpec(`${full}.attn.norm`, [], D),
      qkv: linear('attn.qkv', 3 * D, D),
      biases: parameterSpec(
        `${full}.attn.attention_biases`,
        [],
        [heads[stage], windows[stage] ** 2],
        'table',
      ),
      projection: linear('attn.proj', D, D),
      local: depthwise(`${name}.local_conv`, D),
      mlpNorm: normSpec(`${full}.mlp.norm`, [], D),
      expand: linear('mlp.fc1', 4 * D, D),
      contract: linear('mlp.fc2', D, 4 * D),
    };
  };
  const [first, last] = [widths[0], widths[widths.length - 1]];
  return {
    stem1: plain('patch_embed.seq.0', first / 2, 3, 3, true),
    stem2: plain('patch_embed.seq.2', first, first / 2, 3),
    convolutions: Array.from({ length: depths[0] }, (_, i) =>
      bottleneck(`layers.0.blocks.${i}`, first, 4 * first, first),
    ),
    merges: widths
      .slice(1)
      .map((to, stage) => bottleneck(`layers.${stage}.downsample`, widths[stage], to, to)),
    stages: depths
      .slice(1)
      .map((depth, i) => Array.from({ length: depth }, (_, index) => block(i + 1, index))),
    neck: neckSpec(last, channels, {
      reduce: [`${root}.neck.0`],
      norm1: [`${root}.neck.1`],
      convolution: [`${root}.neck.2`],
      norm2: [`${root}.neck.3`],
    }),
  };
}

/** Names of a neck's parts, ours first. */
type NeckNames = { readonly [Part in keyof NeckSpec]: readonly string[] };

function neckSpec(width: number, channels: number, names: NeckNames): NeckSpec {
  const split = (part: keyof NeckSpec): [string, string[]] => [
    names[part][0],
    names[part].slice(1),
  ];
  return {
    reduce: linearSpec(...split('reduce'), [channels, width, 1, 1], { bias: false }),
    norm1: normSpec(...split('norm1'), channels),
    convolution: linearSpec(...split('convolution'), [channels, channels, 3, 3], { bias: false }),
    norm2: normSpec(...split('norm2'), channels),
  };
}

function promptEncoderSpec({ channels: C, maskChannels }: SamConfig): PromptEncoderSpec {
  const root = 'prompt_encoder';
  const embedding = (ours: string, official: string) =>
    parameterSpec(`${root}.${ours}.weight`, [`${root}.${official}.weight`], [1, C], 'vector');
  const quarter = maskChannels / 4;
  const mask = (ours: string, official: number) =>
    [`${root}.mask_embed.${ours}`, [`${root}.mask_downscaling.${official}`]] as const;
  const exact = { exact: true };
  return {
    frequencies: parameterSpec(
      'shared_image_embedding.positional_embedding',
      [
        `${root}.pe_layer.positional_encoding_gaussian_matrix`,
        `${root}.shared_embedding.positional_embedding`,
      ],
      [2, C / 2],
      'table',
    ),
    points: Array.from({ length: 4 }, (_, i) =>
      embedding(`point_embed.${i}`, `point_embeddings.${i}`),
    ),
    notAPoint: embedding('not_a_point_embed', 'not_a_point_embed'),
    noMask: embedding('no_mask_embed', 'no_mask_embed'),
    mask: {
      convolution1: linearSpec(...mask('conv1', 0), [quarter, 1, 2, 2], exact),
      norm1: normSpec(...mask('layer_norm1', 1), quarter),
      convolution2: linearSpec(...mask('conv2', 3), [maskChannels, quarter, 2, 2], exact),
      norm2: normSpec(...mask('layer_norm2', 4), maskChannels),
      convolution3: linearSpec(...mask('conv3', 6), [C, maskChannels, 1, 1], exact),
    },
  };
}

function decoderSpec({ channels: C, decoder }: SamConfig): DecoderSpec {
  const { depth, mlpWidth, downsample, multimaskOutputs, iouDepth, iouWidth } = decoder;
  const root = 'mask_decoder';
  const attention = (name: string, inner: number): AttentionSpec => {
    const linear = (part: string, outputs: number, inputs: number) =>
      linearSpec(`${name}.${part}_proj`, [], [outputs, inputs]);
    return {
      query: linear('q', inner, C),
      key: linear('k', inner, C),
      value: linear('v', inner, C),
      output: linear('out', C, inner),
    };
  };
  const block = (index: number): TwoWayBlockSpec => {
    const name = `${root}.transformer.layers.${index}`;
    const norm = (i: number) => normSpec(`${name}.layer_norm${i}`, [`${name}.norm${i}`], C);
    const linear = (part: string, outputs: number, inputs: number) =>
      linearSpec(`${name}.mlp.${part}`, [], [outputs, inputs]);
    return {
      self: attention(`${name}.self_attn`, C),
      norm1: norm(1),
      tokensToImage: attention(`${name}.cross_attn_token_to_image`, C / downsample),
      norm2: norm(2),
      expand: linear('lin1', mlpWidth, C),
      contract: linear('lin2', C, mlpWidth),
      norm3: norm(3),
      imageToTokens: attention(`${name}.cross_attn_image_to_token`, C / downsample),
      norm4: norm(4),
    };
  };
  /** A perceptron of several layers: Hugging Face calls the first and last by name, the official code counts. */
  const perceptron = (name: string, layers: number, hidden: number, outputs: number) =>
    Array.from({ length: layers }, (_, i) => {
      const ours = i === 0 ? 'proj_in' : i === layers - 1 ? 'proj_out' : `layers.${i - 1}`;
      return linearSpec(
        `${root}.${name}.${ours}`,
        [`${root}.${name}.layers.${i}`],
        [i === layers - 1 ? outputs : hidden, i === 0 ? C : hidden],
      );
    });
  const token = (name: string, count: number) =>
    parameterSpec(`${root}.${name}.weight`, [], [count, C], 'table');
  return {
    iouToken: token('iou_token', 1),
    maskTokens: token('mask_tokens', multimaskOutputs + 1),
    blocks: Array.from({ length: depth }, (_, i) => block(i)),
    final: attention(`${root}.transformer.final_attn_token_to_image`, C / downsample),
    finalNorm: normSpec(
      `${root}.transformer.layer_norm_final_attn`,
      [`${root}.transformer.norm_final_attn`],
      C,
    ),
    upscale1: transposedSpec(
      `${root}.upscale_conv1`,
      [`${root}.output_upscaling.0`],
      [C, C / 4, 2, 2],
    ),
    upscaleNorm: normSpec(`${root}.upscale_layer_norm`, [`${root}.output_upscaling.1`], C / 4),
    upscale2: transposedSpec(
      `${root}.upscale_conv2`,
      [`${root}.output_upscaling.3`],
      [C / 4, C / 8, 2, 2],
    ),
    hypernetworks: Array.from({ length: multimaskOutputs + 1 }, (_, i) =>
      perceptron(`output_hypernetworks_mlps.${i}`, 3, C, C / 8),
    ),
    iouHead: perceptron('iou_prediction_head', iouDepth, iouWidth, multimaskOutputs + 1),
  };
}

/** A transposed convolution `(inputs, outputs, y, x)`; it stays in floating point, as int8 has one scale for each output. */
function transposedSpec(name: string, aliases: string[], shape: readonly number[]): LinearSpec {
  const { weight, bias } = linearSpec(name, aliases, shape, { exact: true });
  return { weight, bias: bias && { ...bias, shape: [shape[1]] } };
}
