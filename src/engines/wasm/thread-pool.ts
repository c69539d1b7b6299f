import type * as workerThreads from 'node:worker_threads';
import { nodeBuiltin } from '../../base/node-builtin';
import { type DisposedError, EngineLostError } from '../../base/errors';
import { warn } from '../../base/warn';
import { COMMAND_BYTES, COMMAND_WORDS, FINISHED_TILES, TOTAL_TILES } from './opcodes';
import { isNode } from './features';
import type { KernelExports } from './kernel-module';
import { ARENA_START, CONTROL, LIST } from './memory-map';
import { nextTurn } from '../../base/next-turn';
import { nodeWorkerSource, webWorkerSource, type WorkerSetup } from './worker-source';

/** The part of both kinds of worker that the pool uses. */
interface WorkerHandle {
  terminate(): void;
}

/** A blocked wait is broken off this often, so that a worker's death can be noticed (milliseconds). */
const WAIT_SLICE = 2;
/** After this long without the event loop, it gets a turn (milliseconds). */
const LONGEST_WAIT = 50;

/**
 * Threads over one memory. The calling thread works too, except on a browser's main thread, which must
 * not block. Workers start with the first list, sleep between lists, and never keep a process alive.
 */
export class ThreadPool {
  private view: Int32Array;
  private workers: WorkerHandle[] | undefined;
  /** Why the pool can no longer run. */
  private failure: EngineLostError | DisposedError | undefined;
  private released = false;
  private workerUrl: string | undefined;

  /**
   * @param threads threads that compute, the calling one included where it may.
   * @param kernels the calling thread's instance.
   */
  constructor(
    private readonly setup: Omit<WorkerSetup, 'thread'>,
    readonly threads: number,
    private readonly kernels: KernelExports,
  ) {
    this.view = controlWords(setup.memory);
  }

  /** The control words. Memory that is not shared moves when it grows, and takes its views along. */
  private get words(): Int32Array {
    if (this.view.byteLength === 0) this.view = controlWords(this.setup.memory);
    return this.view;
  }

  /**
   * Runs the `count` commands that lie in the list.
   *
   * @throws EngineLostError once a worker has crashed, DisposedError once the pool was released; it is then of no more use.
   */
  async run(count: number): Promise<void> {
    this.workers ??= await this.start();
    if (this.released) this.terminate();
    this.checkHealth();
    const { words } = this;
    const workers = this.workers?.length ?? 0;
    if (workers > 0) {
      words[CONTROL.count] = count;
      Atomics.store(words, CONTROL.open, 1);
      Atomics.add(words, CONTROL.epoch, 1);
      Atomics.notify(words, CONTROL.epoch);
    }
    try {
      if (workers === 0 || mayBlock()) await this.workAlong(count);
      else await this.watch(count);
    } finally {
      Atomics.store(words, CONTROL.open, 0);
    }
    // The list may be overwritten once nobody is inside.
    for (
      let active = Atomics.load(words, CONTROL.active);
      active > 0;
      active = Atomics.load(words, CONTROL.active)
    ) {
      await this.pause(CONTROL.active, active);
    }
  }

  /** Ends the workers. A list at work fails with the reason: its tiles may be left half done. */
  release(reason: DisposedError): void {
    if (this.released) return;
    this.released = true;
    this.failure ??= reason;
    Atomics.store(this.words, CONTROL.stop, 1);
    Atomics.add(this.words, CONTROL.epoch, 1);
    Atomics.notify(this.words, CONTROL.epoch);
    this.terminate();
  }

  private terminate(): void {
    for (const worker of this.workers ?? []) worker.terminate();
    if (this.workerUrl) URL.revokeObjectURL(this.workerUrl);
    this.workerUrl = undefined;
  }

  private async workAlong(count: number): Promise<void> {
    for (let done = 0; ;) {
      done += this.kernels.run(LIST + done * COMMAND_BYTES, count - done, 0);
      if (done === count) return;
      const finished = LIST / 4 + FINISHED_TILES + done * COMMAND_WORDS;
      await this.pause(finished, Atomics.load(this.words, finished));
    }
  }

  /** Waits for the last command without blocking. */
  private async watch(count: number): Promise<void> {
    const finished = LIST / 4 + (count - 1) * COMMAND_WORDS + FINISHED_TILES;
    const total = this.words[finished + TOTAL_TILES - FINISHED_TILES];
    for (;;) {
      const done = Atomics.load(this.words, finished);
      if (done >= total) return;
      // Newer than the type library; where it is missing, the event loop is asked again and again.
      const { waitAsync } = Atomics as unknown as {
        waitAsync?(
          words: Int32Array,
          index: number,
          value: number,
          timeout: number,
        ): { async: boolean; value: unknown };
      };
      const wait = waitAsync?.(this.words, finished, done, LONGEST_WAIT);
      if (wait?.async) await wait.value;
      else await nextTurn();
      this.checkHealth();
    }
  }

  private waiting = 0;

  /** Waits a little for a word to change, and now and then lets the event loop run. */
  private async pause(word: number, value: number): Promise<void> {
    const now = performance.now();
    if (mayBlock() && now - this.waiting < LONGEST_WAIT) {
      Atomics.wait(this.words, word, value, WAIT_SLICE);
    } else {
      await nextTurn();
      this.waiting = performance.now();
    }
    this.checkHealth();
  }

  private checkHealth(): void {
    if (!this.failure && Atomics.load(this.words, CONTROL.failed)) this.fail('trapped');
    if (this.failure) throw this.failure;
  }

  private fail(how: string, cause?: unknown): void {
    const message = `A worker of the CPU engine ${how}. Load the model again.`;
    this.failure ??= new EngineLostError(message, { cause });
  }

  /** As many workers as threads, less the calling one if it may work itself. */
  private async start(): Promise<WorkerHandle[]> {
    if (typeof SharedArrayBuffer === 'undefined') return [];
    if (!((this.setup.memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer)) return [];
    const first = mayBlock() ? 1 : 0;
    const indices = Array.from({ length: this.threads - first }, (_, i) => first + i);
    return isNode() ? this.startNodeWorkers(indices) : this.startWebWorkers(indices);
  }

  private async startNodeWorkers(indices: readonly number[]): Promise<WorkerHandle[]> {
    const { Worker } = await nodeBuiltin<typeof workerThreads>('node:worker_threads');
    return indices.map((thread) => {
      const worker = new Worker(nodeWorkerSource, {
        eval: true,
        workerData: { ...this.setup, thread },
      });
      worker.on('error', (cause) => this.fail('crashed', cause));
      worker.on('exit', (code) => {
        if (!this.released) this.fail(`ended with code ${code}`);
      });
      worker.unref();
      return { terminate: () => void worker.terminate() };
    });
  }

  /** A page's policy may forbid workers made from a Blob; the calling thread then works alone, and says so once. */
  private async startWebWorkers(indices: readonly number[]): Promise<WorkerHandle[]> {
    const url = URL.createObjectURL(new Blob([webWorkerSource], { type: 'text/javascript' }));
    this.workerUrl = url;
    const workers: Worker[] = [];
    try {
      for (let i = 0; i < indices.length; i++) workers.push(new Worker(url));
      await Promise.all(
        workers.map((worker, i) => {
          const ready = answers(worker);
          worker.postMessage({ ...this.setup, thread: indices[i] });
          return ready;
        }),
      );
    } catch (cause) {
      // Workers that did start wait for lists; one that none is left to finish must not be begun.
      Atomics.store(this.words, CONTROL.stop, 1);
      for (const worker of workers) worker.terminate();
      const why = cause instanceof Error && cause.message ? ` (${cause.message})` : '';
      warn(
        'WORKERS_REFUSED',
        `The CPU engine runs on one thread: this page allows no workers from a Blob${why}. Add "worker-src blob:" to its Content-Security-Policy, or ask for { threads: 1 }.`,
      );
      return [];
    }
    for (const worker of workers) worker.onerror = (event) => this.fail('crashed', event.message);
    return workers;
  }
}

/** Settles when a worker has started, or could not. */
function answers(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}

/** Browsers forbid blocking their main thread. */
function mayBlock(): boolean {
  return typeof document === 'undefined';
}

function controlWords(memory: WebAssembly.Memory): Int32Array {
  return new Int32Array(memory.buffer, 0, ARENA_START / 4);
}
