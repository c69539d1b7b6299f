import type { Arena } from './arena';
import type { Argument, CommandQueue } from './command-queue';
import type { Op } from './opcodes';

/** Where ops leave their commands, and where they take memory for the time of those. */
export class Recorder {
  constructor(
    readonly memory: WebAssembly.Memory,
    readonly arena: Arena,
    readonly queue: CommandQueue,
    readonly threads: number,
  ) {}

  /** @param cost multiplications and additions, roughly */
  record(op: Op, tiles: number, cost: number, args: readonly Argument[]): void {
    if (tiles > 0) this.queue.record(op, tiles, cost, args);
  }

  /**
   * Runs `work`, which records commands; memory it takes is theirs alone. `idle`: it will be written now, not by a
   * recorded command.
   */
  withScratch<Result>(work: (take: (bytes: number, idle?: boolean) => number) => Result): Result {
    const taken: number[] = [];
    try {
      return work((bytes, idle = false) => {
        const address = this.arena.allocate(bytes, idle);
        taken.push(address);
        return address;
      });
    } finally {
      for (const address of taken) this.arena.release(address);
    }
  }

  /** A view of memory, until it grows. */
  readonly floats = (address: number, length: number): Float32Array =>
    new Float32Array(this.memory.buffer, address, length);
}
