import { toFloat32 } from '../../checkpoints/element-types';
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
import { attentionScratch, keysPerBlock, LONGEST_RUN, queryRuns } from './attention-plan';
import type { Argument, CommandQueue } from './command-queue';
import { Op, PANEL, PanelType } from './opcodes';
import { packedSizes, packFloats, packIntegers, paddedDepth, type Packing } from './pack-linear';
import type { ThreadPool } from './thread-pool';
import { WasmLinear, WasmTensor } from './wasm-tensor';

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
/** Bytes a thread needs for float products: 64, and one expanded half-precision panel. */
const GEMM_SCRATCH = 64 + 256 * PANEL * 4;
const INT8_SCRATCH = 256;
/** Bytes of left-hand rows per tile of a product: a share of the L2 cache. */
const ROW_BLOCK_BYTES = 256 << 10;
const PANELS_PER_TILE = 16;
/** Pixel rows per tile of the painting head. */
const STRIP = 4;
/** Bytes of rows per tile where rows are only moved or normalised. */
const MOVE_BYTES = 64 << 10;

/**
 * The op set on the package's own WebAssembly kernels. Ops record commands; `flush` and `download` run
 * them on the pool's threads.
 */
export class WasmEngine implements Engine {
  readonly name = 'wasm';
  private readonly live = new Set<WasmTensor | WasmLinear>();
  private readonly scopes: Set<WasmTensor>[] = [];
  private released = false;

  constructor(private readonly parts: WasmEngineParts) {}

  upload(data: Float32Array, shape: readonly number[]): EngineTensor {
    const length = shape.reduce((a, b) => a * b, 1);
    if (length !== data.length) {
      throw new InvalidInputError(
        'shape',
        `(${shape.join(', ')}) holds ${length} values, but ${data.length} were given.`,
      );
    }
    const tensor = this.tensor(shape, true);
    this.floats(tensor.address, length).set(data);
    return tensor;
  }

  async download(tensor: EngineTensor): Promise<Float32Array> {
    const { address, length } = this.read(tensor);
    await this.flush();
    const values = new Float32Array(length);
    values.set(this.floats(address, length));
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
    const outputs = weight.shape[0];
    const inputs = weight.shape.slice(1).reduce((a, b) => a * b, 1);
    const packing = options.exact ? 'f32' : this.parts.precision;
    const { weights: bytes, vector } = packedSizes(packing, inputs, outputs);
    const { arena } = this.parts;
    const weights = arena.allocate(bytes, true);
    const biasAt = arena.allocate(vector, true);
    const int8 = packing === 'int8';
    const [scales, sums] = int8
      ? [arena.allocate(vector, true), arena.allocate(vector, true)]
      : [0, 0];
    const { buffer } = this.parts.memory;
    if (int8) {
      const target = {
        bytes: new Uint8Array(buffer, weights, bytes),
        scales: this.floats(scales, vector / 4),
        sums: this.floats(sums, vector / 4),
      };
      target.scales.fill(0);
      target.sums.fill(0);
      packIntegers(weight, inputs, outputs, target);
    } else {
      const panels =
        packing === 'f16'
          ? new Uint16Array(buffer, weights, bytes / 2)
          : new Float32Array(buffer, weights, bytes / 4);
      packFloats(weight, inputs, outputs, panels);
    }
    const biases = this.floats(biasAt, vector / 4).fill(0);
    if (bias) biases.set(toFloat32(bias));
    const layer = new WasmLinear(inputs, outputs, packing, weights, biasAt, scales, sums);
    this.live.add(layer);
    return layer;
  }

  patchify(pixels: EngineTensor, patch: number): EngineTensor {
    const x = this.read(pixels);
    const [count, height, width] = x.shape;
    const [rows, columns] = [(count * height) / patch, width / patch];
    const out = this.tensor([rows * columns, patch * patch * 3]);
    this.record(Op.Patchify, rows, x.length, [x.address, out.address, rows, columns, patch]);
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
    if (layer.packing === 'int8')
      this.linearInt8(input, layer, out, residual, options.gelu === true);
    else this.linearFloat(input, layer, out, residual, options.gelu === true);
    return out;
  }

  layerNorm(x: EngineTensor, weights: LayerNormWeights): EngineTensor {
    const input = this.read(x);
    const [rows, width] = rowsAndWidth(input.shape);
    const out = this.tensor(input.shape);
    const [gamma, beta] = [this.read(weights.gamma).address, this.read(weights.beta).address];
    const step = rowsPerTile(width);
    this.record(Op.LayerNorm, Math.ceil(rows / step), 8 * input.length, [
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
    this.record(Op.AddRow, Math.ceil(rows / step), left.length, [
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
    const factors = this.temporary(4 * matrix.length, true);
    this.floats(factors, matrix.length).set(matrix);
    const out = this.tensor([rows, width]);
    const step = 16;
    this.record(Op.Interpolate, Math.ceil(rows / step), rows * (inner + 8 * width), [
      factors,
      address,
      out.address,
      rows,
      inner,
      width,
      step,
    ]);
    this.parts.arena.release(factors);
    return out;
  }

  addPositions(x: EngineTensor, positions: EngineTensor, layout: TokenLayout): EngineTensor {
    const input = this.read(x);
    const table = this.read(positions);
    const out = this.tensor(input.shape);
    const half = layout.rows * layout.columns * table.shape[1];
    for (let i = 0; i < layout.prompts + layout.targets; i++) {
      const from = table.address + (i < layout.prompts ? 0 : 4 * half);
      this.record(Op.Add, Math.ceil(half / FLAT), half, [
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
    this.record(Op.MeanHalves, Math.ceil(half / FLAT), half * layout.targets, [
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
    const flags = this.temporary(rows, true);
    new Uint8Array(this.parts.memory.buffer, flags, rows).set(masked);
    const out = this.tensor(input.shape);
    const step = rowsPerTile(width);
    this.record(Op.MaskRows, Math.ceil(rows / step), input.length, [
      input.address,
      flags,
      this.read(token).address,
      out.address,
      rows,
      width,
      step,
    ]);
    this.parts.arena.release(flags);
    return out;
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
    const D = input.shape[1] / 3;
    const d = D / heads;
    const half = rows * columns;
    const halves = prompts + targets;
    const runs = queryRuns(options.queries ?? [[0, halves * half]], layout);
    const queries = runs.reduce((sum, { count }) => sum + count, 0);
    const out = this.tensor([queries, D]);

    const temporary: number[] = [];
    const take = (bytes: number, idle = false) => {
      const address = this.temporary(bytes, idle);
      temporary.push(address);
      return address;
    };
    const round = (value: number) => Math.ceil(value / PANEL) * PANEL;
    const table = take(16 * runs.length, true);
    const words = new Int32Array(this.parts.memory.buffer, table, 4 * runs.length);
    runs.forEach(({ half: index, start, count, output }, i) =>
      words.set([index, start, count, output], 4 * i),
    );

    const keys = take(4 * halves * heads * round(half) * d);
    const values = take(4 * halves * heads * half * round(d));
    const packing = [half, d, 12 * D, half * 12 * D, 4 * d, heads];
    this.record(Op.PackKeys, halves * heads, halves * half * D, [
      input.address + 4 * D,
      keys,
      ...packing,
    ]);
    this.record(Op.PackValues, halves * heads, halves * half * D, [
      input.address + 8 * D,
      values,
      ...packing,
    ]);
    const codes = (tensor: EngineTensor, length: number) => {
      const address = take(4 * length * round(length) * d);
      this.record(Op.PackKeys, length, length * length * d, [
        this.read(tensor).address,
        address,
        length,
        d,
        4 * d,
        length * d * 4,
        0,
        1,
      ]);
      return address;
    };
    const rowCodes = relative ? codes(relative.rows, 2 * rows) : 0;
    const columnCodes = relative ? codes(relative.columns, columns) : 0;

    const block = keysPerBlock(half);
    const scratch = attentionScratch(d, layout, block);
    const shared = targets === 1 ? (prompts + 1) / 2 : 1;
    const work = runs.reduce((sum, run) => sum + run.count * (run.half >= prompts ? shared : 1), 0);
    this.record(Op.Attention, runs.length * heads, work * 2 * half * D * 5, [
      input.address,
      keys,
      values,
      rowCodes,
      columnCodes,
      table,
      out.address,
      heads,
      d,
      prompts,
      targets,
      rows,
      columns,
      block,
      LONGEST_RUN,
      take(scratch * this.parts.pool.threads),
      scratch,
      { float: 1 / Math.sqrt(d) },
      runs.length,
    ]);
    for (const address of temporary) this.parts.arena.release(address);
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
    const buffers = this.temporary(scratch * this.parts.pool.threads);
    this.record(
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
    this.parts.arena.release(buffers);
    return out;
  }

  private linearFloat(
    x: WasmTensor,
    layer: WasmLinear,
    out: WasmTensor,
    residual: number,
    gelu: boolean,
  ): void {
    const { inputs, outputs } = layer;
    const rows = x.shape[0];
    const { rowStep, panelStep, tiles } = productTiles(
      rows,
      4 * Math.min(inputs, 256),
      outputs,
      this.parts.pool.threads,
    );
    const scratch = this.temporary(GEMM_SCRATCH * this.parts.pool.threads);
    this.record(Op.Gemm, tiles, 2 * rows * inputs * outputs, [
      x.address,
      layer.weights,
      layer.bias,
      out.address,
      residual,
      rows,
      inputs,
      outputs,
      gelu ? 1 : 0,
      rowStep,
      panelStep,
      layer.packing === 'f16' ? PanelType.Float16 : PanelType.Float32,
      scratch,
      GEMM_SCRATCH,
    ]);
    this.parts.arena.release(scratch);
  }

  private linearInt8(
    x: WasmTensor,
    layer: WasmLinear,
    out: WasmTensor,
    residual: number,
    gelu: boolean,
  ): void {
    const { inputs, outputs } = layer;
    const rows = x.shape[0];
    const stride = paddedDepth(inputs);
    const wholeRows = Math.ceil(rows / 4) * 4;
    const bytes = this.temporary(wholeRows * stride);
    const parameters = this.temporary(wholeRows * 16);
    const step = rowsPerTile(inputs);
    this.record(Op.QuantizeRows, Math.ceil(rows / step), 4 * rows * inputs, [
      x.address,
      bytes,
      parameters,
      rows,
      inputs,
      stride,
      step,
    ]);
    const { rowStep, panelStep, tiles } = productTiles(
      rows,
      stride,
      outputs,
      this.parts.pool.threads,
    );
    const scratch = this.temporary(INT8_SCRATCH * this.parts.pool.threads);
    this.record(Op.GemmInt8, tiles, rows * inputs * outputs, [
      bytes,
      parameters,
      layer.weights,
      layer.bias,
      out.address,
      residual,
      rows,
      stride,
      outputs,
      gelu ? 1 : 0,
      rowStep,
      panelStep,
      layer.scales,
      layer.sums,
      scratch,
      INT8_SCRATCH,
    ]);
    for (const address of [bytes, parameters, scratch]) this.parts.arena.release(address);
  }

  private sum(a: WasmTensor, b: WasmTensor, factor: number): WasmTensor {
    if (a.length !== b.length) {
      throw new InvalidInputError(
        'b',
        `must have the shape (${a.shape.join(', ')}), has (${b.shape.join(', ')}).`,
      );
    }
    const out = this.tensor(a.shape);
    this.record(Op.Add, Math.ceil(a.length / FLAT), a.length, [
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
    this.record(Op.CopyRows, Math.ceil(rows / step), (rows * bytes) / 4, [
      from,
      fromStride,
      to,
      toStride,
      rows,
      bytes,
      step,
    ]);
  }

  private record(op: Op, tiles: number, cost: number, args: readonly Argument[]): void {
    if (tiles > 0) this.parts.queue.record(op, tiles, cost, args);
  }

  /** A tensor of the innermost scope. `idle`: it will be written now, not by a recorded command. */
  private tensor(shape: readonly number[], idle = false): WasmTensor {
    this.checkAlive();
    const length = shape.reduce((a, b) => a * b, 1);
    const tensor = new WasmTensor([...shape], this.parts.arena.allocate(4 * length, idle));
    this.live.add(tensor);
    this.scopes.at(-1)?.add(tensor);
    return tensor;
  }

  /** Memory for the commands recorded next; release it right after them. */
  private temporary(bytes: number, idle = false): number {
    return this.parts.arena.allocate(bytes, idle);
  }

  private floats(address: number, length: number): Float32Array {
    return new Float32Array(this.parts.memory.buffer, address, length);
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

function rowsPerTile(width: number): number {
  return Math.max(1, Math.floor(MOVE_BYTES / (4 * width)));
}

/** Cuts a product into tiles that suit the cache and leave every thread several. */
function productTiles(rows: number, rowBytes: number, outputs: number, threads: number) {
  const panels = Math.ceil(outputs / PANEL);
  const most = Math.max(4, Math.floor(ROW_BLOCK_BYTES / rowBytes / 4) * 4);
  let blocks = Math.ceil(rows / most);
  let panelStep = Math.min(panels, PANELS_PER_TILE);
  while (blocks * Math.ceil(panels / panelStep) < 4 * threads && panelStep > 1)
    panelStep = Math.ceil(panelStep / 2);
  while (blocks * Math.ceil(panels / panelStep) < 4 * threads && rows / blocks > 8) blocks *= 2;
  const rowStep = Math.max(4, Math.ceil(rows / blocks / 4) * 4);
  return { rowStep, panelStep, tiles: Math.ceil(rows / rowStep) * Math.ceil(panels / panelStep) };
}
