/**
 * The op set the painter is written against. An engine owns memory and arithmetic; the painter owns
 * the architecture.
 *
 * Shape letters used in this folder and in `painter/`:
 *
 * - `N` prompts (canvases), `M` target halves: `N`, or 1 when feature ensemble shares the target
 * - `h`, `w` token rows and columns of one *half* of the canvas; `Lh = h * w`
 * - `R` rows of a token matrix, `R = (N + M) * Lh`
 * - `D` width of the stream, `p` patch side in pixels, `C` width of the decoder
 *
 * A *token matrix* is `(R, D)`: the prompt halves of canvases 0 … N-1, then the target halves
 * 0 … M-1, each half row-major. All ops but {@link Engine.attention} and {@link Engine.paintingHead}
 * act on rows alone, so sharing the target half between canvases needs no special case anywhere else.
 */

import type { StoredTensor } from '../tensors/stored-tensor';

/** A tensor owned by an engine. Row-major float32 seen from outside, whatever the engine stores. */
export interface EngineTensor {
  readonly shape: readonly number[];
}

/** Weights of a linear layer, packed the way the engine's kernels want them. */
export interface LinearWeights {
  readonly inputs: number;
  readonly outputs: number;
}

/** How the rows of a token matrix are laid out; see the head of this file. */
export interface TokenLayout {
  /** `N`, canvases stitched from one prompt each. */
  readonly prompts: number;
  /** `M`, target halves: `N` when every canvas has its own, 1 when feature ensemble shares one. */
  readonly targets: number;
  /** `h`, token rows of one half. */
  readonly rows: number;
  /** `w`, token columns. */
  readonly columns: number;
}

/** Rows `[start, end)` of a token matrix. */
export type RowRange = readonly [start: number, end: number];

/** Decomposed relative position of one attention layer (Li et al. 2021, arXiv:2112.01526, eq. 3). */
export interface RelativePosition {
  /** `(2h * 2h, d)`: row `i * 2h + k` is the code of a query in canvas row `i` for keys in row `k`. */
  readonly rows: EngineTensor;
  /** `(w * w, d)`, likewise for columns. */
  readonly columns: EngineTensor;
}

export interface LayerNormWeights {
  /** `(D)` */
  readonly gamma: EngineTensor;
  /** `(D)` */
  readonly beta: EngineTensor;
  readonly epsilon: number;
}

/** Weights of the decoder's prediction head, channels last. */
export interface PaintingHeadWeights {
  /** 3x3 convolution as a linear layer over 3x3 neighbourhoods in (dy, dx, c) order: `(C, 3*3*C)`. */
  readonly convolution: LinearWeights;
  readonly norm: LayerNormWeights;
  /** 1x1 convolution: `(3, C)`. */
  readonly colors: LinearWeights;
}

/** How the rows of decoder features lie: pictures of `rows x columns` tokens, one after the other. */
export interface PaintingGrid {
  readonly images: number;
  readonly rows: number;
  readonly columns: number;
  /** `p`, side of a token's patch in pixels. */
  readonly patch: number;
}

export interface LinearOptions {
  /** Apply the exact GELU, `x/2 (1 + erf(x/√2))`, to the result. @default false */
  readonly gelu?: boolean;
  /** `(R, outputs)`, added to the result. Read only; the caller still owns it. */
  readonly residual?: EngineTensor;
}

export interface LoadLinearOptions {
  /** Keep this layer in float32 whatever the engine's precision is. @default false */
  readonly exact?: boolean;
}

export interface AttentionOptions {
  readonly heads: number;
  readonly relative: RelativePosition | null;
  /**
   * Rows of the token matrix whose outputs are needed, in this order; all by default. Ranges cover
   * whole token rows (multiples of `w`). With a shared target (`M = 1 < N`) a target row's output is
   * the mean over all canvases.
   */
  readonly queries?: readonly RowRange[];
}

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
export interface Engine {
  /** What runs: `'tfjs-webgpu'`, `'wasm'`, … */
  readonly name: string;

  /** Copies `data` in. @throws if `shape` does not hold `data.length` values. */
  upload(data: Float32Array, shape: readonly number[]): EngineTensor;
  /** Copies a tensor out; the tensor stays alive. Implies `flush()`. */
  download(tensor: EngineTensor): Promise<Float32Array>;
  /** Frees tensors (or the weights of linear layers). */
  dispose(...items: readonly (EngineTensor | LinearWeights)[]): void;
  /** Runs `work` and frees every tensor it made except those it returns (directly, in an array or in a plain object). */
  tidy<Result>(work: () => Result): Result;
  /** Waits until everything recorded so far has run. @throws AbortedError between ops once the signal is aborted. */
  flush(signal?: AbortSignal): Promise<void>;
  memory(): EngineMemory;
  /** Frees weights and threads, and on engines with a memory of their own all tensors. Further calls throw. */
  release(): void;

  /** Packs `(outputs, inputs)` weights and an `(outputs)` bias. Copies; the caller may drop both. */
  loadLinear(
    weight: StoredTensor,
    bias: StoredTensor | null,
    options?: LoadLinearOptions,
  ): LinearWeights;

  /** `(N, H, W, 3)` pixels → `(N * H/p * W/p, p*p*3)` patches in (dy, dx, channel) order. */
  patchify(pixels: EngineTensor, patch: number): EngineTensor;
  /** `(R, inputs)` → `(R, outputs)`: `x W^T + b`, then GELU, then the residual. */
  linear(x: EngineTensor, weights: LinearWeights, options?: LinearOptions): EngineTensor;
  /** Normalises each row of `(R, D)` (biased variance). */
  layerNorm(x: EngineTensor, weights: LayerNormWeights): EngineTensor;
  /** Sum of two tensors of one shape, or of `(R, D)` and a row `(D)`. */
  add(a: EngineTensor, b: EngineTensor): EngineTensor;
  /** `(a + b) / 2` of two tensors of one shape. */
  average(a: EngineTensor, b: EngineTensor): EngineTensor;
  /** `matrix (A, B) · table (B, D)` → `(A, D)`: resizes position tables. `matrix` is plain data. */
  interpolate(matrix: Float32Array, table: EngineTensor): EngineTensor;
  /**
   * Adds positions `(2 Lh, D)` of the whole canvas to a token matrix: the first half of the table to
   * every prompt half, the second to every target half.
   */
  addPositions(x: EngineTensor, positions: EngineTensor, layout: TokenLayout): EngineTensor;
  /**
   * Replaces every target half by the mean of all target halves: feature ensemble for canvases whose
   * target halves are stored separately. `(R, D)` → `(R, D)`.
   */
  averageTargets(x: EngineTensor, layout: TokenLayout): EngineTensor;
  /** Replaces the rows `r` of `(R, D)` where `masked[r]` is non-zero by `token (D)`. */
  maskRows(x: EngineTensor, masked: Uint8Array, token: EngineTensor): EngineTensor;
  /** The given rows of `(R, D)`, in this order. */
  takeRows(x: EngineTensor, ranges: readonly RowRange[]): EngineTensor;
  /** `(R1, D), (R2, D), …` → `(R1 + R2 + …, D)`. */
  concatRows(parts: readonly EngineTensor[]): EngineTensor;
  /** `(R, D1), (R, D2), …` → `(R, D1 + D2 + …)`. */
  concatColumns(parts: readonly EngineTensor[]): EngineTensor;
  /**
   * Multi-head self-attention inside every canvas: softmax(q kᵀ / √d + relative) v, where canvas `n`
   * joins prompt half `n` with target half `n` (or the shared one).
   *
   * @param qkv `(R, 3D)`: query, key and value side by side, each `heads * d` wide.
   * @returns `(rows asked for, D)`
   */
  attention(qkv: EngineTensor, layout: TokenLayout, options: AttentionOptions): EngineTensor;
  /**
   * Turns decoder features into colours: pixel shuffle, 3x3 convolution with zero padding, layer norm
   * over channels, GELU, 1x1 convolution.
   *
   * @param features `(B * rows * columns, p*p*C)`, B images of `rows x columns` tokens, (dy, dx, c) order.
   * @returns `(B, rows*p, columns*p, 3)`
   */
  paintingHead(
    features: EngineTensor,
    grid: PaintingGrid,
    weights: PaintingHeadWeights,
  ): EngineTensor;
}
