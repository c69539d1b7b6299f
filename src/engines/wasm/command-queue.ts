import { throwIfAborted } from '../../base/abort';
import { AbortedError } from '../../base/errors';
import { LIST, LIST_CAPACITY } from './memory-map';
import { nextTurn } from '../../base/next-turn';
import {
  COMMAND_WORDS,
  END_TILE,
  FIRST_ARGUMENT,
  NEXT_TILE,
  TOTAL_TILES,
  type Op,
} from './opcodes';

/** Milliseconds of work between two turns of the event loop: what an abort may have to wait for. */
const SLICE = 50;

/** A word of a command: an address or count, or a number to be stored as float32. */
export type Argument = number | { readonly float: number };

/** What an op reads or makes, as far as the queue is concerned: whether anybody can still ask for it. */
export interface Operand {
  readonly disposed: boolean;
}

/** The commands of one op, by what they read and make. A tensor is written by one op alone. */
interface Operation {
  readonly reads: Set<Operand>;
  readonly makes: Set<Operand>;
  /** Whether a command of it was recorded: what is read or made next is another op's. */
  begun: boolean;
}

interface Recorded {
  readonly words: Uint32Array;
  readonly operation: Operation;
  tiles: number;
  /** Multiplications and additions of one tile, roughly. */
  readonly tileCost: number;
  /** First tile not yet handed to the pool. */
  next: number;
}

interface Waiter {
  readonly target: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** Runs the commands that lie in the list of the engine's memory. */
export interface ListRunner {
  run(count: number): Promise<void>;
}

const newOperation = (): Operation => ({ reads: new Set(), makes: new Set(), begun: false });

const floats = new Float32Array(1);
const floatBits = new Uint32Array(floats.buffer);

/**
 * Commands recorded and not yet run, in order. Several callers may record and flush at once: whatever
 * was recorded before a flush has run when it resolves.
 */
export class CommandQueue {
  private readonly pending: Recorded[] = [];
  private waiters: Waiter[] = [];
  private running = false;
  private operation = newOperation();
  /** Whether a caller gave up, so that commands may be pending whose results nobody can ask for. */
  private abandoned = false;
  /** Operations per millisecond, from the slices so far. */
  private speed = 2e7;

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly runner: ListRunner,
    /** Commands recorded and finished since the beginning; the arena reads it. */
    private readonly clock: { recorded: number; finished: number },
  ) {}

  /** Told of every tensor that an op reads or makes by commands, before it records them. */
  note(kind: 'reads' | 'makes', operand: Operand): void {
    if (this.operation.begun) this.operation = newOperation();
    this.operation[kind].add(operand);
  }

  record(op: Op, tiles: number, cost: number, args: readonly Argument[]): void {
    const words = new Uint32Array(COMMAND_WORDS);
    words[0] = op;
    args.forEach((argument, i) => {
      if (typeof argument === 'number') words[FIRST_ARGUMENT + i] = argument;
      else {
        floats[0] = argument.float;
        words[FIRST_ARGUMENT + i] = floatBits[0];
      }
    });
    const { operation } = this;
    operation.begun = true;
    this.pending.push({ words, operation, tiles, tileCost: cost / tiles, next: 0 });
    this.clock.recorded++;
  }

  /**
   * Waits for everything recorded so far.
   *
   * @throws AbortedError once the signal is aborted. Of what was recorded only that still runs, with the next flush, which
   *   tensors depend on that were not freed meanwhile.
   */
  async flush(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const target = this.clock.recorded;
    if (target === this.clock.finished) return;
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        this.abandoned = true;
        reject(new AbortedError(signal!));
      };
      const settle =
        <Value>(then: (value: Value) => void) =>
        (value: Value) => {
          signal?.removeEventListener('abort', onAbort);
          then(value);
        };
      const waiter: Waiter = { target, resolve: settle(resolve), reject: settle(reject) };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.waiters.push(waiter);
      if (!this.running) void this.drain();
    });
    throwIfAborted(signal);
  }

  /** Rejects every waiter and forgets what was recorded. */
  fail(error: unknown): void {
    const { waiters } = this;
    this.waiters = [];
    this.pending.length = 0;
    this.clock.finished = this.clock.recorded;
    for (const waiter of waiters) waiter.reject(error);
  }

  private async drain(): Promise<void> {
    this.running = true;
    try {
      while (this.pending.length > 0 && this.waiters.length > 0) {
        if (this.abandoned) this.dropUseless();
        const { count, cost, commands } = this.writeSlice();
        const start = performance.now();
        if (count > 0) await this.runner.run(count);
        const elapsed = performance.now() - start;
        if (elapsed > 1) this.speed += 0.5 * (cost / elapsed - this.speed);
        this.clock.finished += commands;
        const { finished } = this.clock;
        const ready = this.waiters.filter(({ target }) => target <= finished);
        if (ready.length > 0) {
          this.waiters = this.waiters.filter(({ target }) => target > finished);
          for (const waiter of ready) waiter.resolve();
        }
        await nextTurn();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.running = false;
      if (this.pending.length === 0) this.abandoned = false;
    }
  }

  /** Empties commands that make nothing but freed tensors, and nothing that a later command with another result reads. */
  private dropUseless(): void {
    const wanted = new Set<Operand>();
    for (let i = this.pending.length - 1; i >= 0; i--) {
      const command = this.pending[i];
      const { makes, reads } = command.operation;
      if ([...makes].some((operand) => !operand.disposed || wanted.has(operand)))
        for (const operand of reads) wanted.add(operand);
      else command.tiles = 0;
    }
  }

  /** Writes as much of the pending commands as a slice may hold into the list. */
  private writeSlice(): { count: number; cost: number; commands: number } {
    const list = new Uint32Array(this.memory.buffer, LIST, LIST_CAPACITY * COMMAND_WORDS);
    const budget = this.speed * SLICE;
    let [count, cost, commands] = [0, 0, 0];
    while (commands < this.pending.length && count < LIST_CAPACITY && cost < budget) {
      const command = this.pending[commands];
      if (command.tiles === 0) {
        commands++;
        continue;
      }
      const affordable = Math.max(1, Math.ceil((budget - cost) / command.tileCost));
      const end = Math.min(command.tiles, command.next + affordable);
      const at = count * COMMAND_WORDS;
      list.set(command.words, at);
      list[at + NEXT_TILE] = command.next;
      list[at + END_TILE] = end;
      list[at + TOTAL_TILES] = end - command.next;
      count++;
      cost += (end - command.next) * command.tileCost;
      command.next = end;
      if (end < command.tiles) break;
      commands++;
    }
    this.pending.splice(0, commands);
    return { count, cost, commands };
  }
}
