import type { TensorSource } from '../../checkpoints/tensor-source';
import type { Engine, EngineTensor, LayerNormWeights, LinearWeights } from '../../engines/engine';
import { parametersIn } from '../parameter-specs';
import { checkAgainst } from '../parameter-table';
import { type DepthwiseWeights, floatTensor, WeightReader } from '../weight-reader';
import type { ContextConfig } from './config';
import { contextSpec, type DecodeSpec, type LookSpec, type SpreadSpec } from './parameter-table';

const EPSILON = 1e-5;

interface Look {
  readonly near: DepthwiseWeights;
  readonly norm1: LayerNormWeights;
  readonly qkv: LinearWeights;
  readonly projection: LinearWeights;
  readonly norm2: LayerNormWeights;
  readonly expand: LinearWeights;
  readonly contract: LinearWeights;
}

interface Spread {
  readonly norm: LayerNormWeights;
  readonly query: LinearWeights;
  readonly key: LinearWeights;
  readonly value: LinearWeights;
  readonly projection: LinearWeights;
}

interface Decode {
  readonly spread: Spread | null;
  readonly near: DepthwiseWeights;
  readonly norm: LayerNormWeights;
  readonly expand: LinearWeights;
  readonly contract: LinearWeights;
}

export interface ContextWeights {
  readonly features: LinearWeights;
  readonly pixels: LinearWeights;
  readonly placing: LinearWeights;
  /** `(T * T, W)`, what places add. */
  readonly places: EngineTensor;
  readonly looks: readonly Look[];
  readonly norm: LayerNormWeights;
  readonly query: LinearWeights;
  readonly key: LinearWeights;
  readonly mask: LinearWeights;
  readonly thing: LinearWeights;
  readonly read: LinearWeights;
  readonly own: LinearWeights;
  readonly decodes: readonly Decode[];
  readonly last: LayerNormWeights;
  readonly logits: LinearWeights;
  /** `(2 * S)` and one more for the bias. */
  readonly presence: Float32Array;
}

/** @throws CheckpointError if the checkpoint does not fit its config. */
export async function loadWeights(
  engine: Engine,
  source: TensorSource,
  config: ContextConfig,
): Promise<ContextWeights> {
  const spec = contextSpec(config);
  checkAgainst(source, parametersIn(spec));
  const reader = new WeightReader(engine, source, parametersIn(spec).length);
  const look = async (each: LookSpec): Promise<Look> => ({
    near: await reader.depthwise(each.near),
    norm1: await reader.norm(each.norm1, EPSILON),
    qkv: await reader.linear(each.qkv),
    projection: await reader.linear(each.projection),
    norm2: await reader.norm(each.norm2, EPSILON),
    expand: await reader.linear(each.expand),
    contract: await reader.linear(each.contract),
  });
  const spread = async (each: SpreadSpec): Promise<Spread> => ({
    norm: await reader.norm(each.norm, EPSILON),
    query: await reader.linear(each.query),
    key: await reader.linear(each.key),
    value: await reader.linear(each.value),
    projection: await reader.linear(each.projection),
  });
  const decode = async (each: DecodeSpec): Promise<Decode> => ({
    spread: each.spread && (await spread(each.spread)),
    near: await reader.depthwise(each.near),
    norm: await reader.norm(each.norm, EPSILON),
    expand: await reader.linear(each.expand),
    contract: await reader.linear(each.contract),
  });
  // Standardising is part of the first product.
  const [mean, deviation] = [await reader.floats(spec.mean), await reader.floats(spec.deviation)];
  const [weight, bias] = [
    Float32Array.from(await reader.floats(spec.features.weight)),
    Float32Array.from(await reader.floats(spec.features.bias!)),
  ];
  for (let o = 0; o < bias.length; o++) {
    for (let c = 0; c < mean.length; c++) {
      const at = o * mean.length + c;
      weight[at] /= deviation[c];
      bias[o] -= weight[at] * mean[c];
    }
  }
  const features = engine.loadLinear(
    floatTensor('features.weight', spec.features.weight.shape, weight),
    floatTensor('features.bias', spec.features.bias!.shape, bias),
    { exact: true },
  );
  const placing = await reader.linear(spec.places);
  const places = placesFor(engine, placing, config);
  const looks: Look[] = [];
  for (const each of spec.looks) looks.push(await look(each));
  const decodes: Decode[] = [];
  for (const each of spec.decodes) decodes.push(await decode(each));
  const weights: ContextWeights = {
    features,
    pixels: await reader.linear(spec.pixels),
    placing,
    places,
    looks,
    norm: await reader.norm(spec.norm, EPSILON),
    query: await reader.linear(spec.query),
    key: await reader.linear(spec.key),
    mask: await reader.linear(spec.mask),
    thing: await reader.linear(spec.thing),
    read: await reader.linear(spec.read),
    own: await reader.linear(spec.own),
    decodes,
    last: await reader.norm(spec.last, EPSILON),
    logits: await reader.linear(spec.logits),
    presence: Float32Array.from([
      ...(await reader.floats(spec.presence.weight)),
      ...(await reader.floats(spec.presence.bias!)),
    ]),
  };
  await reader.settle();
  return weights;
}

/** `(T * T, W)`, what places add to tokens. */
export function placesFor(
  engine: Engine,
  placing: LinearWeights,
  { tokens: T, waves }: ContextConfig,
): EngineTensor {
  return engine.tidy(() =>
    engine.linear(engine.upload(placesOf(T, waves), [T * T, 4 * waves]), placing),
  );
}

/** `(T * T, 4 * waves)`: sine and cosine of `π 2^i y`, then of x, both from 0 to 1 over the picture. */
function placesOf(tokens: number, waves: number): Float32Array {
  const out = new Float32Array(tokens * tokens * 4 * waves);
  for (let row = 0; row < tokens * tokens; row++) {
    const at = [Math.floor(row / tokens), row % tokens].map((i) => (i + 0.5) / tokens);
    at.forEach((place, axis) => {
      for (let i = 0; i < waves; i++) {
        const angle = Math.PI * place * 2 ** i;
        out[row * 4 * waves + axis * 2 * waves + i] = Math.sin(angle);
        out[row * 4 * waves + axis * 2 * waves + waves + i] = Math.cos(angle);
      }
    });
  }
  return out;
}
