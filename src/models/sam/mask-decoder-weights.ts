import type { EngineTensor, LayerNormWeights, LinearWeights } from '../../engines/engine';
import { stackRows } from '../stored-rows';
import type { WeightReader } from '../weight-reader';
import type { SamConfig } from './config';
import { LAYER_NORM_2D_EPSILON } from './neck';
import type { AttentionSpec, DecoderSpec, TwoWayBlockSpec } from './parameter-table';
import type { PromptEncoder } from './prompt-encoder';

interface Attention {
  readonly query: LinearWeights;
  readonly key: LinearWeights;
  readonly value: LinearWeights;
  readonly output: LinearWeights;
}

/**
 * Products of the picture's rows in one: keys and values for tokens to look at, and in a block the queries with which the
 * picture looks at tokens. What positions add to them is known beforehand: `codes (G * G, outputs)`.
 */
export interface ImageProducts {
  readonly weights: LinearWeights;
  readonly codes: EngineTensor;
}

interface TwoWayBlock {
  readonly self: Attention;
  readonly norm1: LayerNormWeights;
  readonly imageProducts: ImageProducts;
  readonly tokenQuery: LinearWeights;
  readonly tokenOutput: LinearWeights;
  readonly norm2: LayerNormWeights;
  readonly expand: LinearWeights;
  readonly contract: LinearWeights;
  readonly norm3: LayerNormWeights;
  readonly imageKey: LinearWeights;
  readonly imageValue: LinearWeights;
  readonly imageOutput: LinearWeights;
  readonly norm4: LayerNormWeights;
}

/** What the mask decoder computes with. */
export interface DecoderWeights {
  /** `((1 + masks) * channels)` */
  readonly outputTokens: Float32Array;
  readonly blocks: readonly TwoWayBlock[];
  readonly finalProducts: ImageProducts;
  readonly finalQuery: LinearWeights;
  readonly finalOutput: LinearWeights;
  readonly finalNorm: LayerNormWeights;
  readonly upscale1: LinearWeights;
  readonly upscaleNorm: LayerNormWeights;
  readonly upscale2: LinearWeights;
  readonly hypernetworks: readonly (readonly LinearWeights[])[];
  readonly iouHead: readonly LinearWeights[];
}

/** @throws CheckpointError for what cannot be read. */
export async function loadDecoderWeights(
  reader: WeightReader,
  config: SamConfig,
  spec: DecoderSpec,
  prompts: PromptEncoder,
): Promise<DecoderWeights> {
  const { engine } = reader;
  const { channels: C, imageSize, patch, decoder } = config;
  const { layerNormEpsilon } = decoder;
  const rows = (imageSize / patch) ** 2;
  const positions = engine.upload(prompts.grid(), [rows, C]);
  const attention = async (each: AttentionSpec): Promise<Attention> => ({
    query: await reader.linear(each.query),
    key: await reader.linear(each.key),
    value: await reader.linear(each.value),
    output: await reader.linear(each.output),
  });
  const norm = (each: DecoderSpec['finalNorm']) => reader.norm(each, layerNormEpsilon);
  /** Keys and values see positions or not: `positioned` says which of the products do. */
  const imageProducts = async (
    specs: readonly (AttentionSpec['key'] | AttentionSpec['value'])[],
    positioned: readonly boolean[],
  ): Promise<ImageProducts> => {
    const weights = [];
    const biases = [];
    const codes: EngineTensor[] = [];
    for (const [i, each] of specs.entries()) {
      const weight = await reader.read(each.weight);
      weights.push(weight);
      biases.push(await reader.read(each.bias!));
      if (!positioned[i]) {
        codes.push(
          engine.upload(new Float32Array(rows * weight.shape[0]), [rows, weight.shape[0]]),
        );
        continue;
      }
      const alone = engine.loadLinear(weight, null, { exact: true });
      codes.push(engine.linear(positions, alone));
      await reader.settle();
      engine.dispose(alone);
    }
    const table = engine.concatColumns(codes);
    engine.dispose(...codes);
    const { name } = specs[0].weight;
    const stacked = engine.loadLinear(stackRows(name, weights), stackRows(name, biases));
    return { weights: stacked, codes: table };
  };
  const block = async (each: TwoWayBlockSpec): Promise<TwoWayBlock> => ({
    self: await attention(each.self),
    norm1: await norm(each.norm1),
    imageProducts: await imageProducts(
      [each.tokensToImage.key, each.tokensToImage.value, each.imageToTokens.query],
      [true, false, true],
    ),
    tokenQuery: await reader.linear(each.tokensToImage.query),
    tokenOutput: await reader.linear(each.tokensToImage.output),
    norm2: await norm(each.norm2),
    expand: await reader.linear(each.expand),
    contract: await reader.linear(each.contract),
    norm3: await norm(each.norm3),
    imageKey: await reader.linear(each.imageToTokens.key),
    imageValue: await reader.linear(each.imageToTokens.value),
    imageOutput: await reader.linear(each.imageToTokens.output),
    norm4: await norm(each.norm4),
  });
  const perceptron = async (layers: DecoderSpec['iouHead']): Promise<LinearWeights[]> => {
    const loaded: LinearWeights[] = [];
    for (const each of layers) loaded.push(await reader.linear(each));
    return loaded;
  };
  const outputTokens = new Float32Array((2 + decoder.multimaskOutputs) * C);
  outputTokens.set(await reader.floats(spec.iouToken));
  outputTokens.set(await reader.floats(spec.maskTokens), C);
  const blocks: TwoWayBlock[] = [];
  for (const each of spec.blocks) blocks.push(await block(each));
  const hypernetworks: LinearWeights[][] = [];
  for (const each of spec.hypernetworks) hypernetworks.push(await perceptron(each));
  const weights: DecoderWeights = {
    outputTokens,
    blocks,
    finalProducts: await imageProducts([spec.final.key, spec.final.value], [true, false]),
    finalQuery: await reader.linear(spec.final.query),
    finalOutput: await reader.linear(spec.final.output),
    finalNorm: await reader.norm(spec.finalNorm, 1e-5),
    upscale1: await reader.transposed(spec.upscale1),
    upscaleNorm: await reader.norm(spec.upscaleNorm, LAYER_NORM_2D_EPSILON),
    upscale2: await reader.transposed(spec.upscale2),
    hypernetworks,
    iouHead: await perceptron(spec.iouHead),
  };

  engine.dispose(positions);
  return weights;
}
