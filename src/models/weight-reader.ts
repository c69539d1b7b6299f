import { throwIfAborted } from '../base/abort';
import type { TensorSource } from '../checkpoints/tensor-source';
import type { Engine, EngineTensor, LayerNormWeights, LinearWeights } from '../engines/engine';
import { channelsLast, depthwiseKernel, transposedKernel } from '../nn/channels-last';
import { toFloat32 } from '../tensors/element-types';
import type { StoredTensor } from '../tensors/stored-tensor';
import type { LinearSpec, NormSpec } from './parameter-specs';
import type { ParameterSpec } from './parameter-table';

/** Told how many tensors are loaded. */
export interface WeightProgress {
  /** Tensors read so far. */
  readonly loaded: number;
  /** Tensors in all. */
  readonly total: number;
}

/** A depthwise convolution's weights: kernel `(9, C)` and bias `(C)`. */
export interface DepthwiseWeights {
  readonly kernel: EngineTensor;
  readonly bias: EngineTensor;
}

/**
 * Puts a checkpoint's parameters on an engine, one after the other, each in the form that the engine's ops take. Shapes
 * are the caller's to check first.
 */
export class WeightReader {
  private loaded = 0;

  constructor(
    readonly engine: Engine,
    private readonly source: TensorSource,
    private readonly total: number,
    private readonly onProgress?: (progress: WeightProgress) => void,
    private readonly signal?: AbortSignal,
  ) {}

  /** @throws CheckpointError if it holds NaN or infinity, AbortedError. */
  async read({ name }: ParameterSpec): Promise<StoredTensor> {
    throwIfAborted(this.signal);
    const tensor = await this.source.read(name);
    this.onProgress?.({ loaded: ++this.loaded, total: this.total });
    return tensor;
  }

  async floats(spec: ParameterSpec): Promise<Float32Array> {
    return toFloat32(await this.read(spec));
  }

  /** The last axis alone: `(D)`. */
  async vector(spec: ParameterSpec): Promise<EngineTensor> {
    return this.engine.upload(await this.floats(spec), spec.shape.slice(-1));
  }

  /** The last two axes: `(R, D)`. */
  async table(spec: ParameterSpec): Promise<EngineTensor> {
    return this.engine.upload(await this.floats(spec), spec.shape.slice(-2));
  }

  /** A linear layer, or a convolution as one over neighbourhoods in (dy, dx, channel) order. */
  async linear(
    { weight, bias }: LinearSpec,
    change: (tensor: StoredTensor) => StoredTensor = (tensor) => tensor,
  ): Promise<LinearWeights> {
    const stored = change(channelsLast(await this.read(weight)));
    const shift = bias && change(await this.read(bias));
    return this.engine.loadLinear(stored, shift, { exact: weight.exact });
  }

  /** A transposed convolution whose stride is its size: outputs are one pixel's patch in (dy, dx, channel) order. */
  async transposed({ weight, bias }: LinearSpec): Promise<LinearWeights> {
    const stored = await this.read(weight);
    const area = weight.shape[2] * weight.shape[3];
    const one = bias && (await this.floats(bias));
    const all =
      one && Float32Array.from({ length: area * one.length }, (_, i) => one[i % one.length]);
    const shift = bias && all && floatTensor(bias.name, [all.length], all);
    return this.engine.loadLinear(transposedKernel(stored), shift, { exact: weight.exact });
  }

  async depthwise({ weight, bias }: LinearSpec): Promise<DepthwiseWeights> {
    const { values, shape } = depthwiseKernel(await this.read(weight));
    return {
      kernel: this.engine.upload(values, shape),
      bias: bias
        ? await this.vector(bias)
        : this.engine.upload(new Float32Array(shape[1]), [shape[1]]),
    };
  }

  async norm({ gamma, beta }: NormSpec, epsilon: number): Promise<LayerNormWeights> {
    return { gamma: await this.vector(gamma), beta: await this.vector(beta), epsilon };
  }

  /** Lets the engine work off what was given to it. @throws AbortedError */
  async settle(): Promise<void> {
    await this.engine.flush(this.signal);
  }
}

/** Float32 values as a stored tensor. */
export function floatTensor(
  name: string,
  shape: readonly number[],
  values: Float32Array,
): StoredTensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, shape, dtype: 'F32', data };
}
