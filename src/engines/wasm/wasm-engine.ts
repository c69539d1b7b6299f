import { DisposedError, InvalidInputError } from '../../base/errors';
import type { StoredTensor } from '../../tensors/stored-tensor';
import type {
  AttentionOptions,
  Engine,
  EngineMemory,
  EngineTensor,
  LayerNormWeights,
  LinearOptions,
  LinearWeights,
  LoadLinearOptions,
  PaintingGrid,
  PaintingHeadWeights,
  RowRange,
  TokenLayout,
} from '../engine';
import type { Arena } from './arena';
import { queryRuns } from './attention-plan';
import type { CommandQueue } from './command-queue';
import { Lifetimes } from './lifetimes';
import { loadLinear } from './load-linear';
import { Op } from './opcodes';
import type { Packing } from './pack-linear';
import { recordAttention } from './record-attention';
import { recordLinear } from './record-linear';
import { recordPaintingHead, requireExact } from './record-painting-head';
import { Recorder } from './recorder';
import type { ThreadPool } from './thread-pool';
import { rowsPerTile } from './tiles';
import type { WasmLinear, WasmTensor } from './wasm-tensor';

/** Parts an engine is put together from; see `createWasmEngine`. */
export interface WasmEngineParts {
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
  readonly queue: CommandQueue;
  readonly pool: ThreadPool;
  readonly precision: Packing;
}

/** Floats per tile of flat operations; `FLAT` in `assembly/elementwise.ts`. */
const FLAT = 16384;

/**
 * The op set on the package's own WebAssembly kernels. Ops record commands; `flush` and `download` run
 * them on the pool's threads.
 */
export class WasmEngine implements Engine {
  readonly name = 'wasm';
  private readonly lifetimes: Lifetimes;
  private readonly recorder: Recorder;

  constructor(private readonly parts: WasmEngineParts) {
    const { memory, arena, queue, pool } = parts;
    this.lifetimes = new Lifetimes(arena);
    this.recorder = new Recorder(memory, arena, queue, pool.threads);
  }

  upload(data: Float32Array, shape: readonly number[]): EngineTensor {
    const length = shape.reduce((a, b) => a * b, 1);
    if (length !== data.length) {
      throw new InvalidInputError(
        'shape',
        `(${shape.join(', ')}) holds ${length} values, but ${data.length} were given.`,
      );
    }
    const tensor = this.tensor(shape, true);
    this.recorder.floats(tensor.address, length).set(data);
    return tensor;
  }

  async download(tensor: EngineTensor): Promise<Float32Array> {
    const { address, length } = this.read(tensor);
    await this.flush();
    const values = new Float32Array(length);
    values.set(this.recorder.floats(address, length));
    return values;
  }

  dispose(...items: readonly (EngineTensor | LinearWeights)[]): void {
    for (const item of items) this.lifetimes.free(item as WasmTensor | WasmLinear);
  }

  tidy<Result>(work: () => Result): Result {
    return this.lifetimes.tidy(work);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    this.lifetimes.check();
    await this.parts.queue.flush(signal);
  }

  memory(): EngineMemory {
    return {
      tensors: this.lifetimes.count,
      bytes: this.lifetimes.over ? 0 : this.parts.memory.buffer.byteLength,
    };
  }

  release(): void {
    if (this.lifetimes.over) return;
    this.lifetimes.release();
    const reason = new DisposedError('This engine was released while it was at work.');
    this.parts.pool.release(reason);
    this.parts.queue.fail(reason);
  }

  loadLinear(
    weight: StoredTensor,
    bias: StoredTensor | null,
    options: LoadLinearOptions = {},
  ): LinearWeights {
    this.lifetimes.check();
    const packing = options.exact ? 'f32' : this.parts.precision;
    return this.lifetimes.keep(loadLinear(this.recorder, weight, bias, packing));
  }

  patchify(pixels: EngineTensor, patch: number): EngineTensor {
    const x = this.read(pixels);
    const [count, height, width] = x.shape;
    const [rows, columns] = [(count * height) / patch, width / patch];
    const out = this.tensor([rows * columns, patch * patch * 3]);
    this.recorder.record(Op.Patchify, rows, x.length, [
      x.address,
      out.address,
      rows,
      columns,
      patch,
    ]);
    return out;
  }

  linear(x: EngineTensor, weights: LinearWeights, options: LinearOptions = {}): EngineTensor {
    const input = this.read(x);
    const layer = this.layer(weights);
    const [rows, inputs] = input.shape;
    if (inputs !== layer.inputs) {
      throw new InvalidInputError(
        'x',
        `has ${inputs} columns, but the layer takes ${layer.inputs}.`,
      );
    }
    const out = this.tensor([rows, layer.outputs]);
    const residual = options.residual ? this.read(options.residual).address : 0;
    recordLinear(this.recorder, {
      x: input,
      layer,
      out,
      residual,
      gelu: options.gelu === true,
    });
    return out;
  }

  layerNorm(x: EngineTensor, weights: LayerNormWeights): EngineTensor {
    const input = this.read(x);
    const [rows, width] = rowsAndWidth(input.shape);
    const out = this.tensor(input.shape);
    const [gamma, beta] = [this.read(weights.gamma).address, this.read(weights.beta).address];
    const step = rowsPerTile(4 * width);
    this.recorder.record(Op.LayerNorm, Math.ceil(rows / step), 8 * input.length, [
      input.address,
      gamma,
      beta,
      out.address,
      rows,
      width,
      { float: weights.epsilon },
      step,
    ]);
    return out;
  }

  add(a: EngineTensor, b: EngineTensor): EngineTensor {
    const [left, right] = [this.read(a), this.read(b)];
    if (left.length === right.length) return this.sum(left, right, 1);
    const [rows, width] = rowsAndWidth(left.shape);
    if (right.length !== width) {
      throw new InvalidInputError(
        'b',
        `has ${right.length} values, which are neither one row nor all of (${left.shape.join(', ')}).`,
      );
    }
    const out = this.tensor(left.shape);
    const step = rowsPerTile(4 * width);
    this.recorder.record(Op.AddRow, Math.ceil(rows / step), left.length, [
      left.address,
      right.address,
      out.address,
      rows,
      width,
      step,
    ]);
    return out;
  }

  average(a: EngineTensor, b: EngineTensor): EngineTensor {
    return this.sum(this.read(a), this.read(b), 0.5);
  }

  interpolate(matrix: Float32Array, table: EngineTensor): EngineTensor {
    const { address, shape } = this.read(table);
    const [inner, width] = shape;
    const rows = matrix.length / inner;
    return this.recorder.withScratch((take) => {
      const factors = take(4 * matrix.length, true);
      this.recorder.floats(factors, matrix.length).set(matrix);
      const out = this.tensor([rows, width]);
      const step = 16;
      this.recorder.record(Op.Interpolate, Math.ceil(rows / step), rows * (inner + 8 * width), [
        factors,
        address,
        out.address,
        rows,
        inner,
        width,
        step,
      ]);
      return out;
    });
  }

  addPositions(x: EngineTensor, positions: EngineTensor, layout: TokenLayout): EngineTensor {
    const input = this.read(x);
    const table = this.read(positions);
    const out = this.tensor(input.shape);
    const half = layout.rows * layout.columns * table.shape[1];
    for (let i = 0; i < layout.prompts + layout.targets; i++) {
      const from = table.address + (i < layout.prompts ? 0 : 4 * half);
      this.recorder.record(Op.Add, Math.ceil(half / FLAT), half, [
        input.address + 4 * i * half,
        from,
        out.address + 4 * i * half,
        half,
        { float: 1 },
      ]);
    }
    return out;
  }

  averageTargets(x: EngineTensor, layout: TokenLayout): EngineTensor {
    const input = this.read(x);
    const out = this.tensor(input.shape);
    const half = layout.rows * layout.columns * input.shape[1];
    const prompts = layout.prompts * half;
    this.copy(input.address, 4 * half, out.address, 4 * half, layout.prompts, 4 * half);
    this.recorder.record(Op.MeanHalves, Math.ceil(half / FLAT), half * layout.targets, [
      input.address + 4 * prompts,
      out.address + 4 * prompts,
      half,
      layout.targets,
    ]);
    return out;
  }

  maskRows(x: EngineTensor, masked: Uint8Array, token: EngineTensor): EngineTensor {
    const input = this.read(x);
    const [rows, width] = input.shape;
    if (masked.length !== rows) {
      throw new InvalidInputError('masked', `has ${masked.length} flags for ${rows} rows.`);
    }
    return this.recorder.withScratch((take) => {
      const flags = take(rows, true);
      new Uint8Array(this.parts.memory.buffer, flags, rows).set(masked);
      const out = this.tensor(input.shape);
      const step = rowsPerTile(4 * width);
      this.recorder.record(Op.MaskRows, Math.ceil(rows / step), input.length, [
        input.address,
        flags,
        this.read(token).address,
        out.address,
        rows,
        width,
        step,
      ]);
      return out;
    });
  }

  takeRows(x: EngineTensor, ranges: readonly RowRange[]): EngineTensor {
    const { address, shape } = this.read(x);
    const bytes = 4 * shape[1];
    const out = this.tensor([ranges.reduce((sum, [start, end]) => sum + end - start, 0), shape[1]]);
    let at = out.address;
    for (const [start, end] of ranges) {
      this.copy(address + start * bytes, bytes, at, bytes, end - start, bytes);
      at += (end - start) * bytes;
    }
    return out;
  }

  concatRows(parts: readonly EngineTensor[]): EngineTensor {
    const inputs = parts.map((part) => this.read(part));
    const width = inputs[0].shape[1];
    const out = this.tensor([inputs.reduce((sum, { shape }) => sum + shape[0], 0), width]);
    let at = out.address;
    for (const { address, shape } of inputs) {
      this.copy(address, 4 * width, at, 4 * width, shape[0], 4 * width);
      at += 4 * width * shape[0];
    }
    return out;
  }

  concatColumns(parts: readonly EngineTensor[]): EngineTensor {
    const inputs = parts.map((part) => this.read(part));
    const rows = inputs[0].shape[0];
    const width = inputs.reduce((sum, { shape }) => sum + shape[1], 0);
    const out = this.tensor([rows, width]);
    let at = out.address;
    for (const { address, shape } of inputs) {
      const bytes = 4 * shape[1];
      this.copy(address, bytes, at, 4 * width, rows, bytes);
      at += bytes;
    }
    return out;
  }

  attention(qkv: EngineTensor, layout: TokenLayout, options: AttentionOptions): EngineTensor {
    const input = this.read(qkv);
    const { prompts, targets, rows, columns } = layout;
    const { heads, relative } = options;
    const everything = [[0, (prompts + targets) * rows * columns]] as const;
    const runs = queryRuns(options.queries ?? everything, layout);
    const queries = runs.reduce((sum, { count }) => sum + count, 0);
    const out = this.tensor([queries, input.shape[1] / 3]);
    recordAttention(this.recorder, {
      qkv: input,
      out,
      runs,
      layout,
      heads,
      relative: relative && {
        rows: this.read(relative.rows),
        columns: this.read(relative.columns),
      },
      int8: this.parts.precision === 'int8',
    });
    return out;
  }

  paintingHead(
    features: EngineTensor,
    grid: PaintingGrid,
    weights: PaintingHeadWeights,
  ): EngineTensor {
    const { images, rows, columns, patch } = grid;
    const { gamma, beta, epsilon } = weights.norm;
    const [convolution, colors] = [this.layer(weights.convolution), this.layer(weights.colors)];
    requireExact(convolution, colors);
    const out = this.tensor([images, rows * patch, columns * patch, 3]);
    recordPaintingHead(this.recorder, {
      features: this.read(features),
      out,
      grid,
      convolution,
      colors,
      gamma: this.read(gamma),
      beta: this.read(beta),
      epsilon,
    });
    return out;
  }

  private sum(a: WasmTensor, b: WasmTensor, factor: number): WasmTensor {
    if (a.length !== b.length) {
      throw new InvalidInputError(
        'b',
        `must have the shape (${a.shape.join(', ')}), has (${b.shape.join(', ')}).`,
      );
    }
    const out = this.tensor(a.shape);
    this.recorder.record(Op.Add, Math.ceil(a.length / FLAT), a.length, [
      a.address,
      b.address,
      out.address,
      a.length,
      { float: factor },
    ]);
    return out;
  }

  private copy(
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    rows: number,
    bytes: number,
  ): void {
    const step = rowsPerTile(bytes);
    this.recorder.record(Op.CopyRows, Math.ceil(rows / step), (rows * bytes) / 4, [
      from,
      fromStride,
      to,
      toStride,
      rows,
      bytes,
      step,
    ]);
  }

  private tensor(shape: readonly number[], idle = false): WasmTensor {
    return this.lifetimes.tensor(shape, idle);
  }

  private read(tensor: EngineTensor): WasmTensor {
    return this.lifetimes.read(tensor);
  }

  private layer(weights: LinearWeights): WasmLinear {
    return this.lifetimes.layer(weights);
  }
}

function rowsAndWidth(shape: readonly number[]): [rows: number, width: number] {
  const width = shape[shape.length - 1];
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), width];
}
