import { BackendError } from '../../base/errors';

const ALIGNMENT = 64;
const PAGE = 65536;
/** Memory grows by at least this much, so that many small tensors do not grow it one by one. */
const GROWTH = 4 << 20;

interface FreeBlock {
  address: number;
  size: number;
  /** Commands recorded when it was freed: they may still use it. */
  stamp: number;
}

/**
 * Hands out a growing WebAssembly memory, best fit, neighbours joined. Commands run in the order they
 * were recorded, so memory freed by one may be given to a later one at once; whoever writes *now* must
 * ask for `idle` memory, which no recorded command touches.
 */
export class Arena {
  private readonly free: FreeBlock[] = []; // sorted by address
  private readonly sizes = new Map<number, number>();
  private end: number;
  /** `finished` when neighbours were last joined. */
  private joined = 0;

  /**
   * @param start first address to hand out.
   * @param limit bytes the memory may reach.
   * @param clock commands recorded and commands finished so far.
   */
  constructor(
    private readonly memory: WebAssembly.Memory,
    start: number,
    private readonly limit: number,
    private readonly clock: { readonly recorded: number; readonly finished: number },
  ) {
    this.end = start;
  }

  /** Bytes handed out. */
  get used(): number {
    let sum = 0;
    for (const size of this.sizes.values()) sum += size;
    return sum;
  }

  /**
   * @returns address, a multiple of 64; the block may be written up to the next multiple.
   * @throws BackendError if the limit is reached.
   */
  allocate(bytes: number, idle = false): number {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const { finished } = this.clock;
    if (finished !== this.joined) {
      // Blocks that were busy have become idle: they may join their neighbours now.
      this.joined = finished;
      for (let i = this.free.length - 2; i >= 0; i--) this.join(i);
    }
    let best = -1;
    for (let i = 0; i < this.free.length; i++) {
      const block = this.free[i];
      if (block.size < size || (idle && block.stamp > finished)) continue;
      if (best < 0 || block.size < this.free[best].size) best = i;
    }
    if (best < 0) return this.extend(size);
    const block = this.free[best];
    const { address } = block;
    if (block.size === size) this.free.splice(best, 1);
    else {
      block.address += size;
      block.size -= size;
    }
    this.sizes.set(address, size);
    return address;
  }

  release(address: number): void {
    const size = this.sizes.get(address);
    if (size === undefined) throw new BackendError(`Memory at ${address} was freed twice.`);
    this.sizes.delete(address);
    let at = this.free.findIndex((block) => block.address > address);
    if (at < 0) at = this.free.length;
    this.free.splice(at, 0, { address, size, stamp: this.clock.recorded });
    this.join(at);
    if (at > 0) this.join(at - 1);
  }

  /**
   * Joins a free block with the one after it, if they touch. An idle block does not join a busy one, or
   * a little memory just freed would make all the rest of it busy.
   */
  private join(at: number): void {
    const block = this.free[at];
    const next = this.free[at + 1];
    if (!next || block.address + block.size !== next.address) return;
    const { finished } = this.clock;
    if (block.stamp > finished !== next.stamp > finished) return;
    block.size += next.size;
    block.stamp = Math.max(block.stamp, next.stamp);
    this.free.splice(at + 1, 1);
  }

  private extend(size: number): number {
    const address = this.end;
    this.end += size;
    const have = this.memory.buffer.byteLength;
    if (this.end > have) {
      const wanted = Math.min(Math.max(this.end, have + GROWTH), this.limit);
      const pages = Math.ceil((wanted - have) / PAGE);
      try {
        if (this.end > this.limit) throw new RangeError(`the limit is ${this.limit} bytes`);
        this.memory.grow(pages);
      } catch (cause) {
        this.end = address;
        throw new BackendError(
          `The CPU engine needs ${size} more bytes and cannot have them. Use a smaller canvas, precision "int8", or a higher memory limit.`,
          { cause },
        );
      }
    }
    this.sizes.set(address, size);
    return address;
  }
}
