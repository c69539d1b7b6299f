import type { TensorSource } from '../../checkpoints/tensor-source';
import type { StoredTensor } from '../../tensors/stored-tensor';
import type {
  Engine,
  EngineTensor,
  LayerNormWeights,
  LinearWeights,
  PaintingHeadWeights,
} from '../../engines/engine';
import { throwIfAborted } from '../../base/abort';
import { toFloat32 } from '../../tensors/element-types';
import { channelsLast } from '../../nn/channels-last';
import type { PainterConfig } from './config';
import type { ParameterSpec } from '../parameter-table';
import {
  type BlockSpec,
  type LinearSpec,
  type NormSpec,
  painterParameters,
  painterSpec,
} from './parameter-table';
import type { ViTBlockWeights } from '../../nn/vit-block';

/** Learned tables of decomposed relative position, before they are spread over a grid. */
export interface RelativeTables {
  /** `(2 * canvas rows - 1, d)` */
  readonly rows: EngineTensor;
  /** `(2 * canvas columns - 1, d)` */
  readonly columns: EngineTensor;
}

/** A block's weights on the engine. */
export interface BlockParameters extends ViTBlockWeights {
  /** Tables of decomposed relative positions, where the model has them. */
  readonly relative: RelativeTables | null;
}

/** Where a named parameter went: a tensor of its own, or one side of a linear layer. */
export type ParameterPlace =
  | { readonly tensor: EngineTensor }
  | { readonly linear: LinearWeights; readonly side: 'weight' | 'bias' };

/** All weights of a painter, in an engine's memory. */
export interface PainterParameters {
  /** By Hugging Face name. */
  readonly places: ReadonlyMap<string, ParameterPlace>;
  /** Product that makes a token of a patch. */
  readonly patchEmbedding: LinearWeights;
  /** `(D)` */
  readonly maskToken: EngineTensor;
  /** Added to the image stream and to the mask stream: `(D)` each. */
  readonly segmentTokens: { readonly image: EngineTensor; readonly mask: EngineTensor };
  /** One for each task: `(D)` each. */
  readonly typeTokens: { readonly semantic: EngineTensor; readonly instance: EngineTensor };
  /** `(side * side + 1, D)`, class token first. */
  readonly positions: EngineTensor;
  /** Weights of the transformer's blocks, in order. */
  readonly blocks: readonly BlockParameters[];
  /** Normalisation of what each tap gives. */
  readonly norm: LayerNormWeights;
  /** Product that spreads the taps' features over the patch. */
  readonly decoderEmbedding: LinearWeights;
  /** The convolutional head that paints. */
  readonly head: PaintingHeadWeights;
}

/** Told how many tensors are loaded. */
export interface LoadProgress {
  /** Tensors read so far, and in all. */
  readonly loaded: number;
  /** Tensors in all. */
  readonly total: number;
}

/**
 * Reads a checkpoint tensor by tensor into an engine. Each tensor is dropped once the engine holds its
 * own copy, so the peak is the weights plus the largest tensor.
 *
 * @throws CheckpointError if a tensor holds NaN or infinity. Shapes are the caller's to check first.
 */
export async function loadParameters(
  engine: Engine,
  config: PainterConfig,
  source: TensorSource,
  onProgress?: (progress: LoadProgress) => void,
  signal?: AbortSignal,
): Promise<PainterParameters> {
  const spec = painterSpec(config);
  const total = painterParameters(config).length;
  let loaded = 0;
  const places = new Map<string, ParameterPlace>();
  const read = async ({ name }: ParameterSpec): Promise<StoredTensor> => {
    throwIfAborted(signal);
    const tensor = await source.read(name);
    onProgress?.({ loaded: ++loaded, total });
    return tensor;
  };
  const upload = async (
    spec: ParameterSpec,
    shapeOf: (shape: readonly number[]) => readonly number[],
  ): Promise<EngineTensor> => {
    const tensor = engine.upload(toFloat32(await read(spec)), shapeOf(spec.shape));
    places.set(spec.name, { tensor });
    return tensor;
  };
  const vector = (spec: ParameterSpec) => upload(spec, (shape) => shape.slice(-1));
  const table = (spec: ParameterSpec) => upload(spec, (shape) => shape.slice(-2));
  const linear = async ({ weight, bias }: LinearSpec): Promise<LinearWeights> => {
    const layer = engine.loadLinear(channelsLast(await read(weight)), bias && (await read(bias)), {
      exact: weight.exact,
    });
    places.set(weight.name, { linear: layer, side: 'weight' });
    if (bias) places.set(bias.name, { linear: layer, side: 'bias' });
    return layer;
  };
  const norm = async ({ gamma, beta }: NormSpec): Promise<LayerNormWeights> => ({
    gamma: await vector(gamma),
    beta: await vector(beta),
    epsilon: config.layerNormEpsilon,
  });
  const block = async (spec: BlockSpec): Promise<BlockParameters> => ({
    attentionNorm: await norm(spec.attentionNorm),
    qkv: await linear(spec.qkv),
    projection: await linear(spec.projection),
    relative: spec.relative && {
      rows: await table(spec.relative.rows),
      columns: await table(spec.relative.columns),
    },
    mlpNorm: await norm(spec.mlpNorm),
    expand: await linear(spec.expand),
    contract: await linear(spec.contract),
  });

  const blocks: BlockParameters[] = [];
  const patchEmbedding = await linear(spec.patchEmbedding);
  const maskToken = await vector(spec.maskToken);
  const segmentTokens = {
    image: await vector(spec.segmentTokens.image),
    mask: await vector(spec.segmentTokens.mask),
  };
  const typeTokens = {
    semantic: await vector(spec.typeTokens.semantic),
    instance: await vector(spec.typeTokens.instance),
  };
  const positions = await table(spec.positions);
  const decoderEmbedding = await linear(spec.decoderEmbedding);
  for (const each of spec.blocks) {
    blocks.push(await block(each));
    await engine.flush(signal);
  }
  return {
    places,
    patchEmbedding,
    maskToken,
    segmentTokens,
    typeTokens,
    positions,
    blocks,
    norm: await norm(spec.norm),
    decoderEmbedding,
    head: {
      convolution: await linear(spec.head.convolution),
      norm: await norm(spec.head.norm),
      colors: await linear(spec.head.colors),
    },
  };
}
