import { BackendError } from '../../base/errors';
import { kernelBinary } from './kernel-binaries';
import { type WithFlags, withoutFlags } from './v8-flags';

/** What a compiled module exports; see `assembly/index.ts`. */
export interface KernelExports {
  configure(wideTiles: boolean, dotKind: number, ones: number): void;
  run(list: number, count: number, thread: number): number;
}

/**
 * @param shared whether the memory the module will be given is shared.
 * @param compiling turns flags on for the time of compiling, which is then synchronous.
 * @throws BackendError where a page's Content-Security-Policy forbids WebAssembly.
 */
export async function compileKernels(
  relaxed: boolean,
  shared: boolean,
  compiling: WithFlags,
): Promise<WebAssembly.Module> {
  const whole = await kernelBinary(relaxed);
  const bytes = shared ? whole : withUnsharedMemory(whole);
  try {
    return compiling === withoutFlags
      ? await WebAssembly.compile(bytes)
      : compiling(() => new WebAssembly.Module(bytes));
  } catch (cause) {
    const why = (cause as Error).message;
    throw new BackendError(
      /content security policy|unsafe-eval/i.test(why)
        ? "This page's Content-Security-Policy forbids WebAssembly, which the CPU engine is made of; add 'wasm-unsafe-eval' to its script-src."
        : `The CPU engine's kernels cannot be compiled here: ${why}`,
      { cause },
    );
  }
}

export function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): KernelExports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
}

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const HAS_MAXIMUM = 1;
const IS_SHARED = 2;

/** Clears the "shared" flag of the imported memory; atomics work on memory of either kind. */
function withUnsharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let at = 8; // magic number and version
  const integer = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = integer();
    if (section !== IMPORT_SECTION) {
      at += size;
      continue;
    }
    integer(); // one import: env.memory
    for (let name = 0; name < 2; name++) {
      const length = integer(); // apart, because `at +=` would read `at` before this moves it
      at += length;
    }
    if (bytes[at] === MEMORY_IMPORT && bytes[at + 1] === (HAS_MAXIMUM | IS_SHARED)) {
      const copy = bytes.slice();
      copy[at + 1] = HAS_MAXIMUM;
      return copy;
    }
    break;
  }
  throw new BackendError('The kernels do not import a memory as the engine expects; rebuild them.');
}
