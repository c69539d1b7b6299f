import {
  type LinearSpec,
  linearSpec,
  type NormSpec,
  normSpec,
  parametersIn,
  parameterSpec,
} from '../parameter-specs';
import type { ParameterSpec } from '../parameter-table';
import type { DinoConfig } from './config';

/** One block's parameters. */
export interface DinoBlockSpec {
  readonly attentionNorm: NormSpec;
  readonly query: LinearSpec;
  readonly key: LinearSpec;
  readonly value: LinearSpec;
  readonly projection: LinearSpec;
  readonly attentionScale: ParameterSpec | null;
  readonly mlpNorm: NormSpec;
  /** Of a gated MLP. */
  readonly gate: LinearSpec | null;
  readonly expand: LinearSpec;
  readonly contract: LinearSpec;
  readonly mlpScale: ParameterSpec | null;
}

/** A model's parameters, in order. */
export interface DinoSpec {
  /** `(1, 1, D)` */
  readonly classToken: ParameterSpec;
  /** `(1, R, D)` */
  readonly registers: ParameterSpec | null;
  /** `(1, 1 + side * side, D)`: of the class token and of a square grid. */
  readonly positions: ParameterSpec | null;
  readonly patchEmbedding: LinearSpec;
  readonly blocks: readonly DinoBlockSpec[];
  readonly norm: NormSpec;
}

/**
 * What a model of this config consists of. Names are one set for all its kinds, close to DINOv2's in Hugging Face's layout;
 * `stored-names.ts` has those of files.
 */
export function dinoSpec(config: DinoConfig): DinoSpec {
  const { width, mlpWidth, patch, registers, positions, layerScale } = config;
  const token = (name: string, rows: number) =>
    parameterSpec(`embeddings.${name}`, [], [1, rows, width], rows === 1 ? 'vector' : 'table');
  const block = (index: number): DinoBlockSpec => {
    const name = `encoder.layer.${index}`;
    const square = (part: string, bias: boolean) =>
      linearSpec(`${name}.attention.${part}`, [], [width, width], { bias });
    const scale = (which: 1 | 2) =>
      layerScale
        ? parameterSpec(`${name}.layer_scale${which}.lambda1`, [], [width], 'vector')
        : null;
    const widening = (part: string) => linearSpec(`${name}.mlp.${part}`, [], [mlpWidth, width]);
    return {
      attentionNorm: normSpec(`${name}.norm1`, [], width),
      query: square('query', config.qkvBias),
      key: square('key', config.keyBias),
      value: square('value', config.qkvBias),
      projection: square('output', true),
      attentionScale: scale(1),
      mlpNorm: normSpec(`${name}.norm2`, [], width),
      gate: config.gated ? widening('gate_proj') : null,
      expand: widening('up_proj'),
      contract: linearSpec(`${name}.mlp.down_proj`, [], [width, mlpWidth]),
      mlpScale: scale(2),
    };
  };
  return {
    classToken: token('cls_token', 1),
    registers: registers > 0 ? token('register_tokens', registers) : null,
    positions:
      positions.kind === 'learned'
        ? token('position_embeddings', 1 + positions.side * positions.side)
        : null,
    patchEmbedding: linearSpec('embeddings.patch_embeddings', [], [width, 3, patch, patch], {
      exact: true,
    }),
    blocks: Array.from({ length: config.depth }, (_, index) => block(index)),
    norm: normSpec('layernorm', [], width),
  };
}

/** Every parameter of a model, in order. */
export function dinoParameters(config: DinoConfig): ParameterSpec[] {
  return parametersIn(dinoSpec(config));
}
