import { DisposedError, InvalidInputError } from '../../base/errors';
import type { StoredTensor } from '../../tensors/stored-tensor';
import {
  type AttentionPlan,
  checkAttention,
  type HeadColumns,
  relativeGrid,
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
  LoadLinearOptions,
  PaintingGrid,
  PaintingHeadWeights,
  PictureGrid,
} from '../engine';
import type { Arena } from './arena';
import { attentionTables } from './attention-tables';
import type { CommandQueue } from './command-queue';
import { Lifetimes } from './lifetimes';
import { loadLinear } from './load-linear';
import { Activated, Op } from './opcodes';
import type { Packing } from './pack-linear';
import { recordAttention } from './record-attention';
import { recordConvolution } from './record-convolution';
import { recordActivation, recordProduct, recordSum } from './record-flat';
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

/**
 * The op set on the package's own WebAssembly kernels. Ops record commands; `flush` and `download` run
 * them on the pool's threads.
 */
export class WasmEngine implements Engine<WasmTensor, WasmLinear> {
  readonly name = 'wasm';
  private readonly lifetimes: Lifetimes;
  /** What the engine works with, until it is released: whoever still holds the engine must not hold its memory. */
  private held: (WasmEngineParts & { readonly recorder: Recorder }) | undefined;

  constructor(parts: WasmEngineParts) {
    const { memory, arena, queue, pool } = parts;
    this.lifetimes = new Lifetimes(arena, queue);
    this.held = { ...parts, recorder: new Recorder(memory, arena, queue, pool.threads) };
  }

  private get parts() {
    this.lifetimes.check();
    return this.held!;
  }

  private get recorder(): Recorder {
    return this.parts.recorder;
  }

  upload(data: Float32Array, shape: readonly number[]): WasmTensor {
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

  async download(tensor: WasmTensor): Promise<Float32Array> {
    const { address, length } = this.read(tensor);
    await this.flush();
    const values = new Float32Array(length);
    values.set(this.recorder.floats(address, length));
    return values;
  }

  dispose(...items: readonly (WasmTensor | WasmLinear)[]): void {
    for (const item of items) this.lifetimes.free(item);
  }

  tidy<Result>(work: () => Result): Result {
    return this.lifetimes.tidy(work);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    await this.parts.queue.flush(signal);
  }

  memory(): EngineMemory {
    return {
      tensors: this.lifetimes.count,
      bytes: this.lifetimes.over ? 0 : this.parts.memory.buffer.byteLength,
    };
  }

  release(): void {
    if (!this.held) return;
    const { pool, queue } = this.held;
    this.held = undefined;
    this.lifetimes.release();
    const reason = new DisposedError('This engine was released while it was at work.');
    pool.release(reason);
    queue.fail(reason);
  }

  loadLinear(
    weight: StoredTensor,
    bias: StoredTensor | null,
    options: LoadLinearOptions = {},
  ): WasmLinear {
    const packing = options.exact ? 'f32' : this.parts.precision;
    return this.lifetimes.keep(loadLinear(this.recorder, weight, bias, packing));
  }

  reshape(x: WasmTensor, shape: readonly number[]): WasmTensor {
    const input = this.read(x);
    const out = this.tensor(shape);
    if (out.length !== input.length) {
      throw new InvalidInputError(
        'shape',
        `(${shape.join(', ')}) does not hold the values of (${x.shape.join(', ')}).`,
      );
    }
    this.copyFlat(input, out);
    return out;
  }

  linear(x: WasmTensor, weights: WasmLinear, options: LinearOptions<WasmTensor> = {}): WasmTensor {
    const { address, shape } = this.read(x);
    const layer = this.layer(weights);
    const [rows, inputs] = shape;
    if (inputs !== layer.inputs) {
      throw new InvalidInputError(
        'x',
        `has ${inputs} columns, but the layer takes ${layer.inputs}.`,
      );
    }
    const out = this.tensor([rows, layer.outputs]);
    recordLinear(this.recorder, {
      x: address,
      rows,
      layer,
      out: out.address,
      residual: options.residual ? this.read(options.residual).address : 0,
      activation: activated(options.activation),
    });
    return out;
  }

  layerNorm(x: WasmTensor, weights: LayerNormWeights<WasmTensor>): WasmTensor {
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

  activate(x: WasmTensor, activation: Activation): WasmTensor {
    const input = this.read(x);
    const out = this.tensor(input.shape);
    recordActivation(
      this.recorder,
      input.address,
      out.address,
      input.length,
      activated(activation),
    );
    return out;
  }

  add(a: WasmTensor, b: WasmTensor): WasmTensor {
    const [left, right] = [this.read(a), this.read(b)];
    const [rows, width] = rowsAndWidth(left.shape);
    const [repeated, columns] = rowsAndWidth(right.shape);
    if (columns !== width || rows % repeated !== 0) {
      throw new InvalidInputError(
        'b',
        `has the shape (${b.shape.join(', ')}), whose rows do not repeat into (${a.shape.join(', ')}).`,
      );
    }
    const out = this.tensor(left.shape);
    if (repeated === 1) this.addRow(left, right, out, rows, width);
    else {
      for (let at = 0; at < 4 * left.length; at += 4 * right.length)
        recordSum(
          this.recorder,
          left.address + at,
          right.address,
          out.address + at,
          right.length,
          1,
        );
    }
    return out;
  }

  multiply(a: WasmTensor, b: WasmTensor): WasmTensor {
    const [left, right] = [this.read(a), this.read(b)];
    if (left.shape.join() !== right.shape.join())
      throw new InvalidInputError(
        'b',
        `must have the shape (${a.shape.join(', ')}), has (${b.shape.join(', ')}).`,
      );
    const out = this.tensor(left.shape);
    recordProduct(this.recorder, left.address, right.address, out.address, left.length);
    return out;
  }

  mean(parts: readonly WasmTensor[]): WasmTensor {
    const [first, ...others] = parts.map((part) => this.read(part));
    const out = this.tensor(first.shape);
    let sum = first;
    others.forEach((part, i) => {
      if (part.length !== first.length) {
        throw new InvalidInputError(
          'parts',
          `must all have the shape (${first.shape.join(', ')}), one has (${part.shape.join(', ')}).`,
        );
      }
      const factor = i === others.length - 1 ? 1 / parts.length : 1;
      recordSum(this.recorder, sum.address, part.address, out.address, first.length, factor);
      sum = out;
    });
    if (others.length === 0) this.copyFlat(first, out);
    return out;
  }

  interpolate(matrix: Float32Array, table: WasmTensor, axis: Axis = {}): WasmTensor {
    const { outer = 1, inner = 1 } = axis;
    const { address, shape } = this.read(table);
    const [rows, columns] = shape;
    const inputs = rows / (outer * inner);
    const outputs = matrix.length / inputs;
    if (!Number.isInteger(inputs) || !Number.isInteger(outputs))
      throw new InvalidInputError('matrix', `does not fit a table of ${rows} rows.`);
    return this.recorder.withScratch((take) => {
      const factors = take(4 * matrix.length, true);
      this.recorder.floats(factors, matrix.length).set(matrix);
      const out = this.tensor([outer * outputs * inner, columns]);
      const width = inner * columns;
      const step = rowsPerTile(4 * width);
      const tiles = Math.ceil((outer * outputs) / step);
      this.recorder.record(Op.Interpolate, tiles, 8 * out.length, [
        factors,
        address,
        out.address,
        outer,
        outputs,
        inputs,
        width,
        step,
      ]);
      return out;
    });
  }

  rowProducts(a: WasmTensor, b: WasmTensor): WasmTensor {
    const [left, right] = [this.read(a), this.read(b)];
    const [rows, width] = rowsAndWidth(left.shape);
    const [others, columns] = rowsAndWidth(right.shape);
    if (columns !== width)
      throw new InvalidInputError('b', `has rows of ${columns} values, not ${width}.`);
    const out = this.tensor([rows, others]);
    const step = rowsPerTile(4 * width);
    this.recorder.record(Op.RowProducts, Math.ceil(rows / step), left.length * others, [
      left.address,
      right.address,
      out.address,
      rows,
      others,
      width,
      step,
    ]);
    return out;
  }

  maskRows(x: WasmTensor, masked: Uint8Array, token: WasmTensor): WasmTensor {
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

  takeRows(x: WasmTensor, ranges: readonly RowRange[]): WasmTensor {
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

  gatherRows(x: WasmTensor, indices: Int32Array): WasmTensor {
    const { address, shape } = this.read(x);
    const [rows, width] = shape;
    if (indices.some((index) => index < -1 || index >= rows))
      throw new InvalidInputError('indices', `must be -1 to ${rows - 1}.`);
    return this.recorder.withScratch((take) => {
      const table = take(4 * indices.length, true);
      new Int32Array(this.parts.memory.buffer, table, indices.length).set(indices);
      const out = this.tensor([indices.length, width]);
      const step = rowsPerTile(4 * width);
      this.recorder.record(Op.GatherRows, Math.ceil(indices.length / step), out.length, [
        address,
        table,
        out.address,
        indices.length,
        width,
        step,
      ]);
      return out;
    });
  }

  concatRows(parts: readonly WasmTensor[]): WasmTensor {
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

  concatColumns(parts: readonly WasmTensor[]): WasmTensor {
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

  attention(
    q: HeadColumns<WasmTensor>,
    k: HeadColumns<WasmTensor>,
    v: HeadColumns<WasmTensor>,
    plan: AttentionPlan<WasmTensor>,
  ): WasmTensor {
    const { relative, bias } = plan;
    const given = [q.tensor, k.tensor, v.tensor, relative?.rows, relative?.columns, bias];
    for (const tensor of given) if (tensor) this.read(tensor);
    checkAttention(q, k, v, plan);
    const tables = attentionTables(plan.segments, relative ? relativeGrid(relative).columns : 0);
    const out = this.tensor([tables.queries, plan.heads * plan.headWidth]);
    const int8 = this.parts.precision === 'int8';
    recordAttention(this.recorder, { q, k, v, plan, tables, out, int8 });
    return out;
  }

  patchify(pixels: WasmTensor, patch: number): WasmTensor {
    const x = this.read(pixels);
    const [count, height, width, channels] = x.shape;
    const [rows, columns] = [(count * height) / patch, width / patch];
    const out = this.tensor([rows * columns, patch * patch * channels]);
    this.recorder.record(Op.Patchify, rows, x.length, [
      x.address,
      out.address,
      columns,
      patch,
      channels,
    ]);
    return out;
  }

  pixelShuffle(x: WasmTensor, { images, rows, columns, patch }: PaintingGrid): WasmTensor {
    const { address, length } = this.read(x);
    const pixels = images * rows * columns * patch * patch;
    const out = this.tensor([pixels, length / pixels]);
    this.recorder.record(Op.PixelShuffle, images * rows, length, [
      address,
      out.address,
      columns,
      patch,
      length / pixels,
    ]);
    return out;
  }

  convolution(
    x: WasmTensor,
    weights: WasmLinear,
    grid: PictureGrid,
    { stride = 1, activation }: ConvolutionOptions = {},
  ): WasmTensor {
    const input = this.read(x);
    const layer = this.layer(weights);
    const { rows, columns } = stridden(grid, stride);
    if (input.shape[1] * 9 !== layer.inputs) {
      throw new InvalidInputError(
        'x',
        `has ${input.shape[1]} channels, but the layer takes ${layer.inputs / 9}.`,
      );
    }
    const out = this.tensor([grid.images * rows * columns, layer.outputs]);
    recordConvolution(this.recorder, {
      x: input,
      layer,
      out,
      grid,
      stride,
      rows,
      columns,
      activation: activated(activation),
    });
    return out;
  }

  depthwiseConvolution(
    x: WasmTensor,
    kernel: WasmTensor,
    bias: WasmTensor,
    grid: PictureGrid,
    { stride = 1, activation }: ConvolutionOptions = {},
  ): WasmTensor {
    const input = this.read(x);
    const { rows, columns } = stridden(grid, stride);
    const channels = input.shape[1];
    const out = this.tensor([grid.images * rows * columns, channels]);
    this.recorder.record(Op.Depthwise, grid.images * rows, 18 * out.length, [
      input.address,
      this.read(kernel).address,
      this.read(bias).address,
      out.address,
      grid.rows,
      grid.columns,
      channels,
      stride,
      rows,
      columns,
      activated(activation),
    ]);
    return out;
  }

  paintingHead(
    features: WasmTensor,
    grid: PaintingGrid,
    weights: PaintingHeadWeights<WasmTensor, WasmLinear>,
  ): WasmTensor {
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

  private addRow(
    a: WasmTensor,
    row: WasmTensor,
    out: WasmTensor,
    rows: number,
    width: number,
  ): void {
    const step = rowsPerTile(4 * width);
    this.recorder.record(Op.AddRow, Math.ceil(rows / step), a.length, [
      a.address,
      row.address,
      out.address,
      rows,
      width,
      step,
    ]);
  }

  /** Copies all values. */
  private copyFlat(from: WasmTensor, to: WasmTensor): void {
    const [rows, width] = rowsAndWidth(from.shape);
    this.copy(from.address, 4 * width, to.address, 4 * width, rows, 4 * width);
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

  private read(tensor: WasmTensor): WasmTensor {
    return this.lifetimes.read(tensor);
  }

  private layer(weights: WasmLinear): WasmLinear {
    return this.lifetimes.layer(weights);
  }
}

function activated(activation: Activation | undefined): Activated {
  switch (activation) {
    case undefined:
      return Activated.None;
    case 'gelu':
      return Activated.Gelu;
    case 'relu':
      return Activated.Relu;
    case 'sigmoid':
      return Activated.Sigmoid;
  }
}

function rowsAndWidth(shape: readonly number[]): [rows: number, width: number] {
  const width = shape[shape.length - 1];
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), width];
}

/** Rows and columns of a convolution's result. */
function stridden({ rows, columns }: PictureGrid, stride: number) {
  return { rows: Math.ceil(rows / stride), columns: Math.ceil(columns / stride) };
}
