import { BackendError, DisposedError, InvalidInputError } from '../../errors';
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
  StoredTensor,
  TokenLayout,
} from '../engine';
import type { Arena } from './arena';
import { queryRuns } from './attention-plan';
import type { CommandQueue } from './command-queue';
import { loadLinear } from './load-linear';
import { Op, PANEL } from './opcodes';
import type { Packing } from './pack-linear';
import { recordAttention } from './record-attention';
import { MOVE_BYTES, recordLinear, rowsPerTile } from './record-linear';
import { Recorder } from './recorder';
import type { ThreadPool } from './thread-pool';
import { type WasmLinear, WasmTensor } from './wasm-tensor';

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
/** Pixel rows per tile of the painting head. */
const STRIP = 4;

/**
 * The op set on the package's own WebAssembly kernels. Ops record commands; `flush` and `download` run
 * them on the pool's threads.
 */
export class WasmEngine implements Engine {
  readonly name = 'wasm';
  private readonly live = new Set<WasmTensor | WasmLinear>();
  private readonly scopes: Set<WasmTensor>[] = [];
  private readonly recorder: Recorder;
  private released = false;

  constructor(private readonly parts: WasmEngineParts) {
    const { memory, arena, queue, pool } = parts;
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
    for (const item of items) this.free(item as WasmTensor | WasmLinear);
  }

  tidy<Result>(work: () => Result): Result {
    this.checkAlive();
    const scope = new Set<WasmTensor>();
    this.scopes.push(scope);
    let result: Result;
    try {
      result = work();
    } catch (error) {
      this.scopes.pop();
      for (const tensor of scope) this.free(tensor);
      throw error;
    }
    this.scopes.pop();
    const kept = new Set<WasmTensor>();
    collectTensors(result, kept);
    const parent = this.scopes.at(-1);
    for (const tensor of scope) {
      if (!kept.has(tensor)) this.free(tensor);
      else parent?.add(tensor);
    }
    return result;
  }

  async flush(signal?: AbortSignal): Promise<void> {
    this.checkAlive();
    await this.parts.queue.flush(signal);
  }

  memory(): EngineMemory {
    return {
      tensors: this.live.size,
      bytes: this.released ? 0 : this.parts.memory.buffer.byteLength,
    };
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.parts.pool.release();
    this.parts.queue.fail(new DisposedError('This engine was released while it was at work.'));
    this.live.clear();
  }

  loadLinear(
    weight: StoredTensor,
    bias: StoredTensor | null,
    options: LoadLinearOptions = {},
  ): LinearWeights {
    this.checkAlive();
    const packing = options.exact ? 'f32' : this.parts.precision;
    const layer = loadLinear(this.recorder, weight, bias, packing);
    this.live.add(layer);
    return layer;
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
    const step = rowsPerTile(width);
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
    const step = rowsPerTile(width);
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
      const step = rowsPerTile(width);
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
    });
    return out;
  }

  paintingHead(
    features: EngineTensor,
    grid: PaintingGrid,
    weights: PaintingHeadWeights,
  ): EngineTensor {
    const input = this.read(features);
    const { images, rows, columns, patch } = grid;
    const [convolution, colors] = [this.layer(weights.convolution), this.layer(weights.colors)];
    if (convolution.packing !== 'f32' || colors.packing !== 'f32') {
      throw new BackendError(
        'The painting head computes in float32: load its layers with `exact: true`.',
      );
    }
    const { gamma, beta, epsilon } = weights.norm;
    const channels = convolution.outputs;
    const [height, width] = [rows * patch, columns * patch];
    const out = this.tensor([images, height, width, 3]);
    const strip = (STRIP + 2) * (width + 2) * channels;
    const scratch = 64 + 4 * Math.ceil((strip + width * channels + width * PANEL) / 16) * 16;
    return this.recorder.withScratch((take) => {
      const buffers = take(scratch * this.recorder.threads);
      this.recorder.record(
        Op.PaintingHead,
        images * Math.ceil(height / STRIP),
        images * height * width * channels * (18 * channels + 60),
        [
          input.address,
          out.address,
          images,
          rows,
          columns,
          patch,
          channels,
          convolution.weights,
          convolution.bias,
          this.read(gamma).address,
          this.read(beta).address,
          { float: epsilon },
          colors.weights,
          colors.bias,
          STRIP,
          buffers,
          scratch,
        ],
      );
      return out;
    });
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
    const step = Math.max(1, Math.floor(MOVE_BYTES / bytes));
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

  /** A tensor of the innermost scope. `idle`: it will be written now, not by a recorded command. */
  private tensor(shape: readonly number[], idle = false): WasmTensor {
    this.checkAlive();
    const length = shape.reduce((a, b) => a * b, 1);
    const tensor = new WasmTensor([...shape], this.recorder.arena.allocate(4 * length, idle));
    this.live.add(tensor);
    this.scopes.at(-1)?.add(tensor);
    return tensor;
  }

  private free(item: WasmTensor | WasmLinear): void {
    if (item.disposed) return;
    item.disposed = true;
    this.live.delete(item);
    if (this.released) return;
    const { arena } = this.parts;
    if (item instanceof WasmTensor) {
      arena.release(item.address);
      for (const scope of this.scopes) scope.delete(item);
    } else {
      arena.release(item.weights);
      arena.release(item.bias);
      if (item.packing === 'int8') {
        arena.release(item.scales);
        arena.release(item.sums);
      }
    }
  }

  private read(tensor: EngineTensor): WasmTensor {
    this.checkAlive();
    const known = tensor as WasmTensor;
    if (known.disposed) throw new DisposedError('This tensor was freed.');
    return known;
  }

  private layer(weights: LinearWeights): WasmLinear {
    this.checkAlive();
    const known = weights as WasmLinear;
    if (known.disposed) throw new DisposedError('The weights of this layer were freed.');
    return known;
  }

  private checkAlive(): void {
    if (this.released) throw new DisposedError('This engine was released; load the model again.');
  }
}

/** Adds every tensor in a result to `found`: itself, or within arrays and plain objects. */
function collectTensors(value: unknown, found: Set<WasmTensor>): void {
  if (value instanceof WasmTensor) found.add(value);
  else if (Array.isArray(value)) for (const item of value) collectTensors(item, found);
  else if (
    value !== null &&
    typeof value === 'object' &&
    Object.getPrototypeOf(value) === Object.prototype
  ) {
    for (const item of Object.values(value)) collectTensors(item, found);
  }
}

function rowsAndWidth(shape: readonly number[]): [rows: number, width: number] {
  const width = shape[shape.length - 1];
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), width];
}
