import type * as tfjs from '@tensorflow/tfjs';
import { toFloat32 } from '../../tensors/element-types';
import { throwIfAborted } from '../../base/abort';
import { BackendError, DisposedError } from '../../base/errors';
import type { StoredTensor } from '../../tensors/stored-tensor';
import type {
  AttentionOptions,
  Engine,
  EngineMemory,
  EngineTensor,
  LayerNormWeights,
  LinearOptions,
  LinearWeights,
  PaintingGrid,
  PaintingHeadWeights,
  RowRange,
  TokenLayout,
} from '../engine';
import { attention } from './attention';
import { matrixTimesTransposed } from './products';

/** Linear weights as TF.js tensors: `(outputs, inputs)` and `(outputs)`. */
export interface TfjsLinear extends LinearWeights {
  readonly weight: tfjs.Tensor2D;
  readonly bias: tfjs.Tensor1D | null;
}

type TensorFlow = typeof tfjs;

const tensorOf = (value: EngineTensor): tfjs.Tensor => value as tfjs.Tensor;
const matrixOf = (value: EngineTensor): tfjs.Tensor2D => value as tfjs.Tensor2D;

/**
 * The op set in plain TF.js operations. It runs on every TF.js backend, is differentiable, and is the
 * specification the other engines are tested against.
 *
 * TF.js has one current backend for the whole process; the engine switches to its own for the length
 * of a synchronous call and puts the caller's back.
 */
export class TfjsEngine implements Engine {
  /** Weights and uploads outside any tidy: what `release` has to free. */
  private readonly owned = new Set<tfjs.Tensor>();
  private tidyDepth = 0;
  private released = false;

  /** @param backend a registered and initialised TF.js backend, e.g. `'webgpu'`. */
  constructor(
    readonly tf: TensorFlow,
    readonly backend: string,
    private readonly onRelease?: () => void,
    readonly name = `tfjs-${backend}`,
  ) {}

  upload(data: Float32Array, shape: readonly number[]): EngineTensor {
    return this.run(() => {
      const tensor = this.tf.tensor(data, [...shape], 'float32');
      if (this.tidyDepth === 0) this.owned.add(tensor);
      return tensor;
    });
  }

  async download(tensor: EngineTensor): Promise<Float32Array> {
    return (await this.run(() => tensorOf(tensor).data())) as Float32Array;
  }

  dispose(...items: readonly (EngineTensor | LinearWeights)[]): void {
    for (const item of items) {
      const { weight, bias } = item as TfjsLinear;
      for (const tensor of weight ? [weight, bias] : [tensorOf(item as EngineTensor)]) {
        if (!tensor || tensor.isDisposed) continue;
        this.owned.delete(tensor);
        tensor.dispose();
      }
    }
  }

  tidy<Result>(work: () => Result): Result {
    return this.run(() => {
      this.tidyDepth++;
      try {
        return this.tf.tidy(work as () => tfjs.TensorContainer) as Result;
      } finally {
        this.tidyDepth--;
      }
    });
  }

  async flush(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    // TF.js runs ahead of a GPU, whose queue is worked off in order: what is computed and read back now comes after all
    // that was asked for before. Reading also gives the event loop a turn.
    const last = this.run(() => this.tf.tidy(() => this.tf.zeros([1]).add(1)));
    try {
      await Promise.all([last.data(), new Promise<void>((resolve) => setTimeout(resolve, 0))]);
    } finally {
      last.dispose();
    }
    throwIfAborted(signal);
  }

  memory(): EngineMemory {
    const { numTensors, numBytes } = this.tf.memory();
    return { tensors: numTensors, bytes: numBytes };
  }

  release(): void {
    if (this.released) return;
    for (const tensor of this.owned) tensor.dispose();
    this.owned.clear();
    this.released = true;
    this.onRelease?.();
  }

  loadLinear(weight: StoredTensor, bias: StoredTensor | null): TfjsLinear {
    return this.run(() => {
      const [outputs, inputs] = [weight.shape[0], weight.shape.slice(1).reduce((a, b) => a * b, 1)];
      const kept: TfjsLinear = {
        inputs,
        outputs,
        weight: this.tf.tensor2d(toFloat32(weight), [outputs, inputs]),
        bias: bias && this.tf.tensor1d(toFloat32(bias)),
      };
      this.owned.add(kept.weight);
      if (kept.bias) this.owned.add(kept.bias);
      return kept;
    });
  }

  patchify(pixels: EngineTensor, patch: number): EngineTensor {
    const [count, height, width] = pixels.shape;
    const [rows, columns] = [height / patch, width / patch];
    return this.tidy(() =>
      tensorOf(pixels)
        .reshape([count * rows, patch, columns, patch * 3])
        .transpose([0, 2, 1, 3])
        .reshape([count * rows * columns, patch * patch * 3]),
    );
  }

  linear(x: EngineTensor, weights: LinearWeights, options: LinearOptions = {}): EngineTensor {
    const { weight, bias } = weights as TfjsLinear;
    return this.tidy(() => {
      let y: tfjs.Tensor = matrixTimesTransposed(this.tf, matrixOf(x), weight); // (R, outputs)
      if (bias) y = y.add(bias);
      if (options.gelu) y = this.gelu(y);
      return options.residual ? y.add(tensorOf(options.residual)) : y;
    });
  }

  layerNorm(x: EngineTensor, { gamma, beta, epsilon }: LayerNormWeights): EngineTensor {
    return this.tidy(() => {
      const { mean, variance } = this.tf.moments(tensorOf(x), -1, true);
      return tensorOf(x)
        .sub(mean)
        .mul(variance.add(epsilon).rsqrt())
        .mul(tensorOf(gamma))
        .add(tensorOf(beta));
    });
  }

  add(a: EngineTensor, b: EngineTensor): EngineTensor {
    return this.run(() => tensorOf(a).add(tensorOf(b)));
  }

  average(a: EngineTensor, b: EngineTensor): EngineTensor {
    return this.tidy(() => tensorOf(a).add(tensorOf(b)).mul(0.5));
  }

  interpolate(matrix: Float32Array, table: EngineTensor): EngineTensor {
    const inputs = table.shape[0];
    return this.tidy(() =>
      this.tf.matMul(this.tf.tensor2d(matrix, [matrix.length / inputs, inputs]), matrixOf(table)),
    );
  }

  addPositions(x: EngineTensor, positions: EngineTensor, layout: TokenLayout): EngineTensor {
    const half = layout.rows * layout.columns;
    const width = positions.shape[1];
    return this.tidy(() => {
      const repeat = (start: number, times: number) =>
        Array.from({ length: times }, () =>
          this.tf.slice(matrixOf(positions), [start, 0], [half, width]),
        );
      return tensorOf(x).add(
        this.tf.concat([...repeat(0, layout.prompts), ...repeat(half, layout.targets)], 0),
      );
    });
  }

  averageTargets(x: EngineTensor, layout: TokenLayout): EngineTensor {
    const half = layout.rows * layout.columns;
    const width = x.shape[1];
    return this.tidy(() => {
      const prompts = this.tf.slice(matrixOf(x), [0, 0], [layout.prompts * half, width]);
      const targets = this.tf.slice(
        matrixOf(x),
        [layout.prompts * half, 0],
        [layout.targets * half, width],
      );
      const mean = targets
        .reshape([layout.targets, half * width])
        .mean(0)
        .reshape<tfjs.Tensor2D>([half, width]);
      return this.tf.concat([prompts, mean.tile([layout.targets, 1])], 0);
    });
  }

  maskRows(x: EngineTensor, masked: Uint8Array, token: EngineTensor): EngineTensor {
    return this.tidy(() => {
      const mask = this.tf.tensor2d(
        Float32Array.from(masked, (flag) => (flag ? 1 : 0)),
        [masked.length, 1],
      );
      const blank = tensorOf(token).reshape([1, -1]);
      return tensorOf(x).mul(this.tf.sub(1, mask)).add(blank.mul(mask));
    });
  }

  takeRows(x: EngineTensor, ranges: readonly RowRange[]): EngineTensor {
    const width = x.shape[1];
    return this.tidy(() =>
      this.tf.concat(
        ranges.map(([start, end]) => this.tf.slice(matrixOf(x), [start, 0], [end - start, width])),
        0,
      ),
    );
  }

  concatRows(parts: readonly EngineTensor[]): EngineTensor {
    return this.run(() => this.tf.concat(parts.map(matrixOf), 0));
  }

  concatColumns(parts: readonly EngineTensor[]): EngineTensor {
    return this.run(() => this.tf.concat(parts.map(matrixOf), 1));
  }

  attention(qkv: EngineTensor, layout: TokenLayout, options: AttentionOptions): EngineTensor {
    return this.tidy(() => attention(this.tf, matrixOf(qkv), layout, options));
  }

  paintingHead(
    features: EngineTensor,
    grid: PaintingGrid,
    weights: PaintingHeadWeights,
  ): EngineTensor {
    const { images, rows, columns, patch } = grid;
    const channels = weights.norm.gamma.shape[0];
    return this.tidy(() => {
      const [height, width] = [rows * patch, columns * patch];
      const pixels = tensorOf(features)
        .reshape([images * rows, columns, patch, patch * channels])
        .transpose([0, 2, 1, 3])
        .reshape<tfjs.Tensor4D>([images, height, width, channels]);
      const { weight, bias } = weights.convolution as TfjsLinear;
      const kernel = weight.transpose().reshape<tfjs.Tensor4D>([3, 3, channels, channels]);
      const convolved = this.tf.conv2d(pixels, kernel, 1, 'same').add(bias ?? 0);
      const normed = this.layerNorm(convolved, weights.norm) as tfjs.Tensor;
      const active = this.gelu(normed).reshape([images * height * width, channels]);
      return tensorOf(this.linear(active, weights.colors)).reshape([images, height, width, 3]);
    });
  }

  /** Exact GELU, by the error function (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
  private gelu(x: tfjs.Tensor): tfjs.Tensor {
    return x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));
  }

  /** Runs `work` with the engine's backend current. */
  private run<Result>(work: () => Result): Result {
    if (this.released) throw new DisposedError('This engine was released; load the model again.');
    const current = this.tf.getBackend();
    if (current === this.backend) return work();
    this.switchTo(this.backend);
    try {
      return work();
    } finally {
      if (current) this.switchTo(current);
    }
  }

  private switchTo(backend: string): void {
    // An initialised backend is made current before setBackend's promise is returned.
    this.tf.setBackend(backend).catch(() => undefined);
    if (this.tf.getBackend() !== backend)
      throw new BackendError(`TF.js could not switch to its backend "${backend}"; was it removed?`);
  }
}
