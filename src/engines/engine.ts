/**
 * The op set that models are written against. An engine owns memory and arithmetic; a model owns its
 * architecture.
 *
 * Shape letters used in this folder, in `nn/` and in `models/`:
 *
 * - `R` rows of a token matrix, `D` its width; `heads * d` columns take part in attention
 * - `L` rows that a query looks at
 * - `B` pictures, `H x W` their size in tokens or pixels, `C` channels; a picture as a matrix is `(B * H * W, C)`
 * - `p` side of a patch in pixels
 *
 * Models know {@link Engine} with its defaults; an engine knows its own kind of tensor. It takes no other's: what is
 * handed in is checked, and an error says so.
 */

import type { StoredTensor } from '../tensors/stored-tensor';
import type { AttentionPlan, HeadColumns, RowRange } from './attention-plan';

/** A tensor owned by an engine. Row-major float32 seen from outside, whatever the engine stores. */
export interface EngineTensor {
  /** Extent of each axis, outermost first. */
  readonly shape: readonly number[];
}

/** Weights of a linear layer, packed the way the engine's kernels want them. */
export interface LinearWeights {
  /** Length of a row that goes in. */
  readonly inputs: number;
  /** Length of a row that comes out. */
  readonly outputs: number;
}

/** Weights of a layer normalisation on the engine. */
export interface LayerNormWeights<Tensor extends EngineTensor = EngineTensor> {
  /** `(D)` */
  readonly gamma: Tensor;
  /** `(D)` */
  readonly beta: Tensor;
  /** Added to the variance. */
  readonly epsilon: number;
}

/** What makes a layer more than linear. `gelu` is the exact one, `x/2 (1 + erf(x/√2))`. */
export type Activation = 'gelu' | 'relu' | 'sigmoid';

/** How the rows of a matrix lie: pictures of `rows x columns`, one after the other. */
export interface PictureGrid {
  /** How many pictures. */
  readonly images: number;
  /** In tokens or pixels, as the operation says. */
  readonly rows: number;
  /** In tokens or pixels, as the operation says. */
  readonly columns: number;
}

/** Pictures of tokens that stand for patches. */
export interface PaintingGrid extends PictureGrid {
  /** `p`, side of a token's patch in pixels. */
  readonly patch: number;
}

/** Weights of a prediction head, channels last. */
export interface PaintingHeadWeights<
  Tensor extends EngineTensor = EngineTensor,
  Linear extends LinearWeights = LinearWeights,
> {
  /** 3x3 convolution: `(C, 3*3*C)`; see {@link Engine.convolution}. */
  readonly convolution: Linear;
  /** Normalisation between the two convolutions. */
  readonly norm: LayerNormWeights<Tensor>;
  /** 1x1 convolution: `(3, C)`. */
  readonly colors: Linear;
}

/** What follows a product with weights. */
export interface LinearOptions<Tensor extends EngineTensor = EngineTensor> {
  /** Applied to the result. @default none */
  readonly activation?: Activation;
  /** `(R, outputs)`, added after the activation. Read only; the caller still owns it. */
  readonly residual?: Tensor;
}

/** Variants of a convolution. */
export interface ConvolutionOptions {
  /** Every which pixel is computed, in both directions; the first one always is. @default 1 */
  readonly stride?: 1 | 2;
  /** Applied to the result. @default none */
  readonly activation?: Activation;
}

/** How the weights of a product are put on the engine. */
export interface LoadLinearOptions {
  /** Keep this layer in float32 whatever the engine's precision is. @default false */
  readonly exact?: boolean;
}

/** Where an axis lies that is multiplied; see {@link Engine.interpolate}. */
export interface Axis {
  /** Matrices one after the other that each are multiplied. @default 1 */
  readonly outer?: number;
  /** Rows that each step along the axis takes. @default 1 */
  readonly inner?: number;
}

/** What an engine holds. */
export interface EngineMemory {
  /** Live tensors, weights included. */
  readonly tensors: number;
  /** Bytes reserved, as far as the engine can tell. */
  readonly bytes: number;
}

/**
 * Who does the arithmetic. Ops may be recorded and run later: nothing is promised to have run before
 * `flush()` or `download()` resolves. Every tensor an op returns belongs to the innermost `tidy`, or
 * to the caller where there is none.
 */
export interface Engine<
  Tensor extends EngineTensor = EngineTensor,
  Linear extends LinearWeights = LinearWeights,
> {
  /** What runs: `'tfjs-webgpu'`, `'wasm'`, … */
  readonly name: string;

  /** Copies `data` in. @throws if `shape` does not hold `data.length` values. */
  upload(data: Float32Array, shape: readonly number[]): Tensor;
  /** Copies a tensor out; the tensor stays alive. Implies `flush()`. */
  download(tensor: Tensor): Promise<Float32Array>;
  /** Frees tensors (or the weights of linear layers). */
  dispose(...items: readonly (Tensor | Linear)[]): void;
  /** Runs `work` and frees every tensor it made except those it returns (directly, in an array or in a plain object). */
  tidy<Result>(work: () => Result): Result;
  /** Waits until everything recorded so far has run. @throws AbortedError between ops once the signal is aborted. */
  flush(signal?: AbortSignal): Promise<void>;
  /** What the engine holds now. */
  memory(): EngineMemory;
  /** Frees weights and threads, and on engines with a memory of their own all tensors. Further calls throw. */
  release(): void;

  /** Packs `(outputs, inputs)` weights and an `(outputs)` bias. Copies; the caller may drop both. */
  loadLinear(weight: StoredTensor, bias: StoredTensor | null, options?: LoadLinearOptions): Linear;

  /** The same values in another shape; a tensor of its own. */
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  /** `(R, inputs)` → `(R, outputs)`: `x W^T + b`, then the activation, then the residual. */
  linear(x: Tensor, weights: Linear, options?: LinearOptions<Tensor>): Tensor;
  /** Normalises each row of `(R, D)` (biased variance). */
  layerNorm(x: Tensor, weights: LayerNormWeights<Tensor>): Tensor;
  /** Value by value. */
  activate(x: Tensor, activation: Activation): Tensor;
  /** Sum of two tensors of one shape, or of `(R, D)` and `(r, D)` or `(D)`, whose rows are repeated over and over. */
  add(a: Tensor, b: Tensor): Tensor;
  /** Products of the values of two tensors of one shape. */
  multiply(a: Tensor, b: Tensor): Tensor;
  /** Mean of tensors of one shape. */
  mean(parts: readonly Tensor[]): Tensor;
  /**
   * `matrix (A, B) · table (B, D)` → `(A, D)`: resizes along an axis. `matrix` is plain data, mostly zeros. With an
   * {@link Axis} the table is `(outer * B * inner, D)` and the result `(outer * A * inner, D)`.
   */
  interpolate(matrix: Float32Array, table: Tensor, axis?: Axis): Tensor;

  /** Scalar products of the rows of two results: `(R, D)`, `(S, D)` → `(R, S)`, for a few rows `S`. */
  rowProducts(a: Tensor, b: Tensor): Tensor;

  /** Replaces the rows `r` of `(R, D)` where `masked[r]` is non-zero by `token (D)`. */
  maskRows(x: Tensor, masked: Uint8Array, token: Tensor): Tensor;
  /** The given rows of `(R, D)`, in this order. */
  takeRows(x: Tensor, ranges: readonly RowRange[]): Tensor;
  /** Row `indices[i]` of `(R, D)` for each `i`; zeros where it is -1. Windows of a grid, with their padding. */
  gatherRows(x: Tensor, indices: Int32Array): Tensor;
  /** `(R1, D), (R2, D), …` → `(R1 + R2 + …, D)`. */
  concatRows(parts: readonly Tensor[]): Tensor;
  /** `(R, D1), (R, D2), …` → `(R, D1 + D2 + …)`. */
  concatColumns(parts: readonly Tensor[]): Tensor;

  /**
   * Multi-head attention: softmax(q kᵀ / √d + relative + bias) v, for every segment of a plan.
   *
   * @returns `(queries of all segments, heads * d)`, in the plan's order.
   * @throws InvalidInputError if the plan names rows that there are not.
   */
  attention(
    q: HeadColumns<Tensor>,
    k: HeadColumns<Tensor>,
    v: HeadColumns<Tensor>,
    plan: AttentionPlan<Tensor>,
  ): Tensor;

  /** `(B, H, W, C)` → `(B * H/p * W/p, p*p*C)` patches in (dy, dx, channel) order. */
  patchify(pixels: Tensor, patch: number): Tensor;
  /** Undoes {@link Engine.patchify}: `(B * H * W, p*p*C)` → `(B * H*p * W*p, C)`. */
  pixelShuffle(x: Tensor, grid: PaintingGrid): Tensor;
  /**
   * 3x3 convolution with a border of zeros, as a linear layer over neighbourhoods in (dy, dx, channel) order: weights
   * `(outputs, 3*3*C)`.
   *
   * @param x `(B * H * W, C)`
   * @returns `(B * ⌈H / stride⌉ * ⌈W / stride⌉, outputs)`
   */
  convolution(x: Tensor, weights: Linear, grid: PictureGrid, options?: ConvolutionOptions): Tensor;
  /**
   * 3x3 convolution of each channel by itself, with a border of zeros.
   *
   * @param x `(B * H * W, C)`
   * @param kernel `(9, C)` in (dy, dx) order
   * @param bias `(C)`
   * @returns `(B * ⌈H / stride⌉ * ⌈W / stride⌉, C)`
   */
  depthwiseConvolution(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor,
    grid: PictureGrid,
    options?: ConvolutionOptions,
  ): Tensor;

  /**
   * Pixel shuffle, 3x3 convolution, layer norm over channels, GELU, 1x1 convolution in one, where an engine has a faster
   * way than one after the other; models call `paintingHead` of `nn/`, which has either.
   *
   * @param features `(B * rows * columns, p*p*C)`, (dy, dx, c) order.
   * @returns `(B, rows*p, columns*p, 3)`
   */
  paintingHead?(
    features: Tensor,
    grid: PaintingGrid,
    weights: PaintingHeadWeights<Tensor, Linear>,
  ): Tensor;
}

export type {
  AttentionPlan,
  AttentionSegment,
  HeadColumns,
  RelativePosition,
  RowRange,
  RowSpan,
} from './attention-plan';
