import { DisposedError, InvalidInputError } from '../../base/errors';
import type { Arena } from './arena';
import type { CommandQueue } from './command-queue';
import { type WasmLinear, WasmTensor } from './wasm-tensor';

/** Which tensors and layers live, in which `tidy` they were made, and when their memory goes back to the arena. */
export class Lifetimes {
  private readonly live = new Set<WasmTensor | WasmLinear>();
  private readonly scopes: Set<WasmTensor>[] = [];
  private released = false;

  constructor(
    private arena: Arena | undefined,
    private queue: Pick<CommandQueue, 'note'> | undefined,
  ) {}

  /** Tensors and layers that were not freed. */
  get count(): number {
    return this.live.size;
  }

  get over(): boolean {
    return this.released;
  }

  /** A tensor of the innermost scope. `idle`: it will be written now, not by a recorded command. */
  tensor(shape: readonly number[], idle = false): WasmTensor {
    const arena = this.check();
    const length = shape.reduce((a, b) => a * b, 1);
    const tensor = new WasmTensor([...shape], arena.allocate(4 * length, idle));
    if (!idle) this.queue?.note('makes', tensor);
    this.live.add(tensor);
    this.scopes.at(-1)?.add(tensor);
    return tensor;
  }

  /** A layer stays until it is freed, whatever scope it was loaded in. */
  keep(layer: WasmLinear): WasmLinear {
    this.live.add(layer);
    return layer;
  }

  /** @throws DisposedError for a tensor that was freed, InvalidInputError for one of another engine. */
  read(tensor: WasmTensor): WasmTensor {
    this.check();
    if (this.live.has(tensor)) {
      this.queue?.note('reads', tensor);
      return tensor;
    }
    if (tensor.disposed) throw new DisposedError('This tensor was freed.');
    throw new InvalidInputError('tensor', 'was not made by this engine.');
  }

  /** @throws DisposedError for a layer that was freed, InvalidInputError for one of another engine. */
  layer(weights: WasmLinear): WasmLinear {
    this.check();
    if (this.live.has(weights)) return weights;
    if (weights.disposed) throw new DisposedError('The weights of this layer were freed.');
    throw new InvalidInputError('weights', 'were not loaded by this engine.');
  }

  /** Frees what `work` made, save what it returns: tensors, or arrays and plain objects of them. */
  tidy<Result>(work: () => Result): Result {
    this.check();
    const scope = new Set<WasmTensor>();
    this.scopes.push(scope);
    const kept = new Set<WasmTensor>();
    try {
      const result = work();
      collectTensors(result, kept);
      return result;
    } finally {
      this.scopes.pop();
      const parent = this.scopes.at(-1);
      for (const tensor of scope) {
        if (kept.has(tensor)) parent?.add(tensor);
        else this.free(tensor);
      }
    }
  }

  /** Gives memory back. Freeing again does nothing. @throws InvalidInputError for what another engine made. */
  free(item: WasmTensor | WasmLinear): void {
    if (item.disposed) return;
    if (!this.released && !this.live.delete(item))
      throw new InvalidInputError('items', 'hold what was not made by this engine.');
    item.disposed = true;
    if (this.released) return;
    if (item instanceof WasmTensor) for (const scope of this.scopes) scope.delete(item);
    for (const address of item.addresses) this.arena?.release(address);
  }

  /** Everything is over: what is still held is the engine's memory, which goes as a whole. */
  release(): void {
    this.released = true;
    // They hold the engine's memory.
    this.arena = undefined;
    this.queue = undefined;
    this.live.clear();
  }

  /** @throws DisposedError after {@link release}. */
  check(): Arena {
    if (!this.arena) throw new DisposedError('This engine was released; load the model again.');
    return this.arena;
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
