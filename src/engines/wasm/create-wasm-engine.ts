import { BackendError } from '../../base/errors';
import { Arena } from './arena';
import { CommandQueue } from './command-queue';
import { wasmSupport } from './features';
import { compileKernels, instantiateKernels } from './kernel-module';
import { ARENA_START } from './memory-map';
import type { Packing } from './pack-linear';
import { ThreadPool } from './thread-pool';
import { tune } from './tuning';
import { WasmEngine } from './wasm-engine';

export interface WasmEngineOptions {
  /** How weights are kept and multiplied. @default 'f32' */
  readonly precision?: Packing;
  /** Threads, the calling one included; 1 where memory cannot be shared. @default one for each core */
  readonly threads?: number;
  /** Bytes the engine may reserve. @default 4 GiB, what WebAssembly can address */
  readonly memoryLimit?: number;
  /** Compute by the same kernels everywhere, without relaxed SIMD. @default false */
  readonly deterministic?: boolean;
  /** Use relaxed SIMD where there is any. @default true */
  readonly relaxedSimd?: boolean;
}

const PAGE = 65536;
const MOST_PAGES = 65536;
const MOST_THREADS = 32;

/**
 * Starts the CPU engine. Worker threads start with the first work.
 *
 * @throws BackendError where WebAssembly SIMD is missing.
 */
export async function createWasmEngine(options: WasmEngineOptions = {}): Promise<WasmEngine> {
  const features = await wasmSupport();
  if (!features.simd)
    throw new BackendError('The CPU engine needs WebAssembly SIMD, which is not available here.');
  const { deterministic = false } = options;
  const relaxed = features.relaxedSimd && options.relaxedSimd !== false && !deterministic;
  const limit = Math.min(options.memoryLimit ?? Infinity, MOST_PAGES * PAGE);
  const wanted = Math.max(1, Math.floor(options.threads ?? features.threads));
  const threads = features.sharedMemory ? Math.min(wanted, MOST_THREADS) : 1;

  const { memory, maximum } = createMemory(Math.floor(limit / PAGE), features.sharedMemory);
  const module = await compileKernels(relaxed, features.sharedMemory, features.compiling);
  const kernels = instantiateKernels(module, memory);
  const clock = { recorded: 0, finished: 0 };
  const arena = new Arena(memory, ARENA_START, maximum * PAGE, clock);
  const { wideTiles, dotKind } = await tune(kernels, memory, arena, {
    relaxedSimd: relaxed,
    wideVectors: features.wideVectors,
    bytes: options.precision === 'int8',
    deterministic,
  });
  const pool = new ThreadPool({ module, memory, wideTiles, dotKind }, threads, kernels);
  const queue = new CommandQueue(memory, pool, clock);
  return new WasmEngine({ memory, arena, queue, pool, precision: options.precision ?? 'f32' });
}

/** Reserves as much address space as it can have, up to `pages`; some devices refuse 4 GiB. */
function createMemory(
  pages: number,
  shared: boolean,
): { memory: WebAssembly.Memory; maximum: number } {
  for (let maximum = pages; ; maximum = Math.floor(maximum / 2)) {
    try {
      return { memory: new WebAssembly.Memory({ initial: 16, maximum, shared }), maximum };
    } catch (cause) {
      if (maximum < 1024)
        throw new BackendError('No memory could be reserved for the CPU engine.', { cause });
    }
  }
}
