import type * as tfjs from '@tensorflow/tfjs';
import { toFloat32 } from '../../tensors/element-types';
import { throwIfAborted } from '../../base/abort';
import { BackendError, DisposedError, EngineLostError, InvalidInputError } from '../../base/errors';
import type { StoredTensor } from '../../tensors/stored-tensor';
import {
  type AttentionPlan,
  checkAttention,
  type HeadColumns,
  type RowRange,
} from '../attention-plan';
import type {
  Activation,
  Axis,
  ConvolutionOptions,
  Engine,
  EngineMemory,
  LayerNormWeights,
  LinearOptions,
  LinearWeights,
  PaintingGrid,
  PictureGrid,
} from '../engine';
import type { DeviceLoss } from './provider';
import { attention } from './attention';
import { matrixTimesTransposed } from './products';

/** Linear weights as TF.js tensors: `(outputs, inputs)` and `(outputs)`. */
export interface TfjsLinear extends LinearWeights {
  readonly weight: tfjs.Tensor2D;
  readonly bias: tfjs.Tensor1D | null;
}

type TensorFlow = typeof tfjs;

/** How long after a device's own error it may be told that the device is gone, in milliseconds. */
const TOLD_WITHIN = 200;

function lostError({ reason, message }: DeviceLoss): EngineLostError {
  const why = [reason !== 'unknown' && reason, message].filter(Boolean).join(': ');
  return new EngineLostError(
    `The graphics device was lost${why && ` (${why.replace(/\.$/, '')})`}. Load the model again.`,
  );
}

/**
 * The op set in plain TF.js operations. It runs on every TF.js backend, is differentiable, and is the
 * specification the other engines are tested against.
 *
 * TF.js has one current backend for the whole process; the engine switches to its own for the length
 * of a synchronous call and puts the caller's back.
 */
export class TfjsEngine implements Engine<tfjs.Tensor, TfjsLinear> {
  /** Weights and uploads outside any tidy: what `release` has to free. */
  private readonly owned = new Set<tfjs.Tensor>();
  private tidyDepth = 0;
  private released = false;
  private failure: EngineLostError | undefined;

  /**
   * @param backend a registered and initialised TF.js backend, e.g. `'webgpu'`.
   * @param lost settles when the backend's device is gone: whatever is computed from then on throws EngineLostError.
   */
  constructor(
    readonly tf: TensorFlow,
    readonly backend: string,
    private readonly onRelease?: () => void,
    readonly name = `tfjs-${backend}`,
    private readonly lost?: Promise<DeviceLoss>,
  ) {
    void lost?.then((loss) => (this.failure = lostError(loss)));
  }

  upload(data: Float32Array, shape: readonly number[]): tfjs.Tensor {
    return this.run(() => {
      const tensor = this.tf.tensor(data, [...shape], 'float32');
      if (this.tidyDepth === 0) this.owned.add(tensor);
      return tensor;
    });
  }

  async download(tensor: tfjs.Tensor): Promise<Float32Array> {
    return (await this.unlessLost(this.run(() => this.own(tensor).data()))) as Float32Array;
  }

  dispose(...items: readonly (tfjs.Tensor | TfjsLinear)[]): void {
    for (const item of items) {
      for (const tensor of 'weight' in item ? [item.weight, item.bias] : [this.own(item)]) {
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
      await this.unlessLost(last.data());
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
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

  reshape(x: tfjs.Tensor, shape: readonly number[]): tfjs.Tensor {
    return this.run(() => this.own(x).reshape([...shape]));
  }

  linear(
    x: tfjs.Tensor,
    { weight, bias }: TfjsLinear,
    { activation, residual }: LinearOptions<tfjs.Tensor> = {},
  ): tfjs.Tensor {
    return this.tidy(() => {
      let y: tfjs.Tensor = matrixTimesTransposed(this.tf, this.matrix(x), this.matrix(weight)); // (R, outputs)
      if (bias) y = y.add(bias);
      if (activation) y = this.activate(y, activation);
      return residual ? y.add(this.own(residual)) : y;
    });
  }

  layerNorm(x: tfjs.Tensor, { gamma, beta, epsilon }: LayerNormWeights<tfjs.Tensor>): tfjs.Tensor {
    return this.tidy(() => {
      const { mean, variance } = this.tf.moments(this.own(x), -1, true);
      return x
        .sub(mean)
        .mul(variance.add(epsilon).rsqrt())
        .mul(this.own(gamma))
        .add(this.own(beta));
    });
  }

  activate(x: tfjs.Tensor, activation: Activation): tfjs.Tensor {
    return this.tidy(() => {
      switch (activation) {
        case 'relu':
          return this.own(x).relu();
        case 'sigmoid':
          return this.own(x).sigmoid();
        case 'gelu': // by the error function (Hendrycks and Gimpel 2016, arXiv:1606.08415)
          return this.own(x).mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));
      }
    });
  }

  add(a: tfjs.Tensor, b: tfjs.Tensor): tfjs.Tensor {
    return this.tidy(() =>
      this.own(a)
        .reshape([-1, ...this.own(b).shape])
        .add(b)
        .reshape(a.shape),
    );
  }

  multiply(a: tfjs.Tensor, b: tfjs.Tensor): tfjs.Tensor {
    if (a.shape.join() !== b.shape.join())
      throw new InvalidInputError(
        'b',
        `must have the shape (${a.shape.join(', ')}), has (${b.shape.join(', ')}).`,
      );
    return this.tidy(() => this.own(a).mul(b));
  }

  mean(parts: readonly tfjs.Tensor[]): tfjs.Tensor {
    return this.tidy(() => this.tf.addN(parts.map((part) => this.own(part))).mul(1 / parts.length));
  }

  interpolate(matrix: Float32Array, table: tfjs.Tensor, axis: Axis = {}): tfjs.Tensor {
    const { outer = 1, inner = 1 } = axis;
    const [rows, width] = this.matrix(table).shape;
    const inputs = rows / (outer * inner);
    const outputs = matrix.length / inputs;
    return this.tidy(() => {
      const factors = this.tf.tensor2d(matrix, [outputs, inputs]);
      // The axis comes first, so that one product does for all.
      const first = this.matrix(table)
        .reshape([outer, inputs, inner * width])
        .transpose([1, 0, 2])
        .reshape<tfjs.Tensor2D>([inputs, outer * inner * width]);
      return this.tf
        .matMul(factors, first)
        .reshape([outputs, outer, inner * width])
        .transpose([1, 0, 2])
        .reshape([outer * outputs * inner, width]);
    });
  }

  rowProducts(a: tfjs.Tensor, b: tfjs.Tensor): tfjs.Tensor {
    return this.run(() => this.tf.matMul(this.matrix(a), this.matrix(b), false, true));
  }

  maskRows(x: tfjs.Tensor, masked: Uint8Array, token: tfjs.Tensor): tfjs.Tensor {
    return this.tidy(() => {
      const mask = this.tf.tensor2d(
        Float32Array.from(masked, (flag) => (flag ? 1 : 0)),
        [masked.length, 1],
      );
      const blank = this.own(token).reshape([1, -1]);
      return this.own(x).mul(this.tf.sub(1, mask)).add(blank.mul(mask));
    });
  }

  takeRows(x: tfjs.Tensor, ranges: readonly RowRange[]): tfjs.Tensor {
    const matrix = this.matrix(x);
    return this.tidy(() =>
      this.tf.concat(
        ranges.map(([start, end]) =>
          this.tf.slice(matrix, [start, 0], [end - start, matrix.shape[1]]),
        ),
        0,
      ),
    );
  }

  gatherRows(x: tfjs.Tensor, indices: Int32Array): tfjs.Tensor {
    const matrix = this.matrix(x);
    const [rows, width] = matrix.shape;
    return this.tidy(() => {
      const padded = this.tf.concat([matrix, this.tf.zeros<tfjs.Rank.R2>([1, width])], 0);
      const at = indices.map((index) => (index < 0 ? rows : index));
      return this.tf.gather(padded, this.tf.tensor1d(at, 'int32'));
    });
  }

  concatRows(parts: readonly tfjs.Tensor[]): tfjs.Tensor {
    return this.run(() =>
      this.tf.concat(
        parts.map((part) => this.matrix(part)),
        0,
      ),
    );
  }

  concatColumns(parts: readonly tfjs.Tensor[]): tfjs.Tensor {
    return this.run(() =>
      this.tf.concat(
        parts.map((part) => this.matrix(part)),
        1,
      ),
    );
  }

  attention(
    q: HeadColumns<tfjs.Tensor>,
    k: HeadColumns<tfjs.Tensor>,
    v: HeadColumns<tfjs.Tensor>,
    plan: AttentionPlan<tfjs.Tensor>,
  ): tfjs.Tensor {
    for (const { tensor } of [q, k, v]) this.own(tensor);
    checkAttention(q, k, v, plan);
    return this.tidy(() => attention(this.tf, q, k, v, plan));
  }

  patchify(pixels: tfjs.Tensor, patch: number): tfjs.Tensor {
    const [count, height, width, channels] = pixels.shape;
    const [rows, columns] = [height / patch, width / patch];
    return this.tidy(() =>
      this.own(pixels)
        .reshape([count * rows, patch, columns, patch * channels])
        .transpose([0, 2, 1, 3])
        .reshape([count * rows * columns, patch * patch * channels]),
    );
  }

  pixelShuffle(x: tfjs.Tensor, { images, rows, columns, patch }: PaintingGrid): tfjs.Tensor {
    const channels = this.matrix(x).shape[1] / (patch * patch);
    return this.tidy(() =>
      this.matrix(x)
        .reshape([images * rows, columns, patch, patch * channels])
        .transpose([0, 2, 1, 3])
        .reshape([images * rows * patch * columns * patch, channels]),
    );
  }

  convolution(
    x: tfjs.Tensor,
    { weight, bias, inputs, outputs }: TfjsLinear,
    { images, rows, columns }: PictureGrid,
    { stride = 1, activation }: ConvolutionOptions = {},
  ): tfjs.Tensor {
    const channels = inputs / 9;
    return this.tidy(() => {
      const pixels = this.matrix(x).reshape<tfjs.Tensor4D>([images, rows, columns, channels]);
      const kernel = this.matrix(weight)
        .transpose()
        .reshape<tfjs.Tensor4D>([3, 3, channels, outputs]);
      let y: tfjs.Tensor = this.tf.conv2d(pixels, kernel, stride, 1).reshape([-1, outputs]);
      if (bias) y = y.add(bias);
      return activation ? this.activate(y, activation) : y;
    });
  }

  depthwiseConvolution(
    x: tfjs.Tensor,
    kernel: tfjs.Tensor,
    bias: tfjs.Tensor,
    { images, rows, columns }: PictureGrid,
    { stride = 1, activation }: ConvolutionOptions = {},
  ): tfjs.Tensor {
    const [, channels] = this.matrix(kernel).shape;
    return this.tidy(() => {
      const pixels = this.matrix(x).reshape<tfjs.Tensor4D>([images, rows, columns, channels]);
      const filter = kernel.reshape<tfjs.Tensor4D>([3, 3, channels, 1]);
      const y = this.tf
        .depthwiseConv2d(pixels, filter, stride, 1)
        .reshape([-1, channels])
        .add(this.own(bias));
      return activation ? this.activate(y, activation) : y;
    });
  }

  /** @throws InvalidInputError for what another engine made. */
  private own(tensor: tfjs.Tensor): tfjs.Tensor {
    if (tensor instanceof this.tf.Tensor) return tensor;
    throw new InvalidInputError('tensor', `was not made by this engine, ${this.name}.`);
  }

  private matrix(tensor: tfjs.Tensor): tfjs.Tensor2D {
    if (this.own(tensor).rank === 2) return tensor as tfjs.Tensor2D;
    throw new InvalidInputError(
      'tensor',
      `must be a matrix, has the shape (${tensor.shape.join(', ')}).`,
    );
  }

  /** Runs `work` with the engine's backend current. */
  private run<Result>(work: () => Result): Result {
    if (this.released) throw new DisposedError('This engine was released; load the model again.');
    if (this.failure) throw this.failure;
    const current = this.tf.getBackend();
    if (current === this.backend) return work();
    this.switchTo(this.backend);
    try {
      return work();
    } finally {
      if (current) this.switchTo(current);
    }
  }

  /** What a device answers. One that is gone may answer never, or by errors of its own before it is told to be gone. */
  private async unlessLost<Value>(answer: Promise<Value>): Promise<Value> {
    if (!this.lost) return answer;
    const gone = this.lost.then((loss) => {
      throw lostError(loss);
    });
    return Promise.race([answer, gone]).catch((error: unknown) =>
      error instanceof EngineLostError ? Promise.reject(error) : this.asLoss(error),
    );
  }

  private async asLoss(error: unknown): Promise<never> {
    await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, TOLD_WITHIN))]);
    throw this.failure ?? error;
  }

  private switchTo(backend: string): void {
    // An initialised backend is made current before setBackend's promise is returned.
    this.tf.setBackend(backend).catch(() => undefined);
    if (this.tf.getBackend() !== backend)
      throw new BackendError(`TF.js could not switch to its backend "${backend}"; was it removed?`);
  }
}
