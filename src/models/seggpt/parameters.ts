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
import type { ViTBlockWeights } from '../../nn/vit-block';

/** Learned tables of decomposed relative position, before they are spread over a grid. */
export interface RelativeTables {
  /** `(2 * canvas rows - 1, d)` */
  readonly rows: EngineTensor;
  /** `(2 * canvas columns - 1, d)` */
  readonly columns: EngineTensor;
}

export interface BlockParameters extends ViTBlockWeights {
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
  readonly patchEmbedding: LinearWeights;
  /** `(D)` */
  readonly maskToken: EngineTensor;
  /** Added to the image stream and to the mask stream: `(D)` each. */
  readonly segmentTokens: { readonly image: EngineTensor; readonly mask: EngineTensor };
  /** One for each task: `(D)` each. */
  readonly typeTokens: { readonly semantic: EngineTensor; readonly instance: EngineTensor };
  /** `(side * side + 1, D)`, class token first. */
  readonly positions: EngineTensor;
  readonly blocks: readonly BlockParameters[];
  readonly norm: LayerNormWeights;
  readonly decoderEmbedding: LinearWeights;
  readonly head: PaintingHeadWeights;
}

export interface LoadProgress {
  /** Tensors read so far, and in all. */
  readonly loaded: number;
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
  total: number,
  onProgress?: (progress: LoadProgress) => void,
  signal?: AbortSignal,
): Promise<PainterParameters> {
  let loaded = 0;
  const places = new Map<string, ParameterPlace>();
  const read = async (name: string): Promise<StoredTensor> => {
    throwIfAborted(signal);
    const tensor = await source.read(name);
    onProgress?.({ loaded: ++loaded, total });
    return tensor;
  };
  const upload = async (
    name: string,
    shapeOf: (tensor: StoredTensor) => readonly number[],
  ): Promise<EngineTensor> => {
    const stored = await read(name);
    const tensor = engine.upload(toFloat32(stored), shapeOf(stored));
    places.set(name, { tensor });
    return tensor;
  };
  const vector = (name: string) => upload(name, ({ shape }) => [shape[shape.length - 1]]);
  const table = (name: string) => upload(name, ({ shape }) => shape.slice(-2));
  const linear = async (name: string, bias = true, exact = false): Promise<LinearWeights> => {
    const weight = channelsLast(await read(`${name}.weight`));
    const layer = engine.loadLinear(weight, bias ? await read(`${name}.bias`) : null, { exact });
    places.set(`${name}.weight`, { linear: layer, side: 'weight' });
    if (bias) places.set(`${name}.bias`, { linear: layer, side: 'bias' });
    return layer;
  };
  const norm = async (name: string): Promise<LayerNormWeights> => ({
    gamma: await vector(`${name}.weight`),
    beta: await vector(`${name}.bias`),
    epsilon: config.layerNormEpsilon,
  });

  const embeddings = 'model.embeddings';
  const blocks: BlockParameters[] = [];
  const patchEmbedding = await linear(`${embeddings}.patch_embeddings.projection`, true, true);
  const maskToken = await vector(`${embeddings}.mask_token`);
  const segmentTokens = {
    image: await vector(`${embeddings}.segment_token_input`),
    mask: await vector(`${embeddings}.segment_token_prompt`),
  };
  const typeTokens = {
    semantic: await vector(`${embeddings}.type_token_semantic`),
    instance: await vector(`${embeddings}.type_token_instance`),
  };
  const positions = await table(`${embeddings}.position_embeddings`);
  // The largest tensor comes while little else is in memory.
  const decoderEmbedding = await linear('decoder.decoder_embed');
  for (let i = 0; i < config.depth; i++) {
    const layer = `model.encoder.layers.${i}`;
    blocks.push({
      attentionNorm: await norm(`${layer}.layernorm_before`),
      qkv: await linear(`${layer}.attention.qkv`, config.qkvBias),
      projection: await linear(`${layer}.attention.proj`),
      relative: config.relativePositions
        ? {
            rows: await table(`${layer}.attention.rel_pos_h`),
            columns: await table(`${layer}.attention.rel_pos_w`),
          }
        : null,
      mlpNorm: await norm(`${layer}.layernorm_after`),
      expand: await linear(`${layer}.mlp.lin1`),
      contract: await linear(`${layer}.mlp.lin2`),
    });
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
    norm: await norm('model.encoder.layernorm'),
    decoderEmbedding,
    head: {
      convolution: await linear('decoder.decoder_pred.conv', true, true),
      norm: await norm('decoder.decoder_pred.layernorm'),
      colors: await linear('decoder.decoder_pred.head', true, true),
    },
  };
}
