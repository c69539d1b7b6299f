import type * as nodeOs from 'node:os';
import { nodeBuiltin } from '../../base/node-builtin';
import { kernelBinary } from './kernel-binaries';
import { type WithFlags, withoutFlags, withV8Flags } from './v8-flags';

/** What this machine and this JavaScript engine offer the CPU engine. */
export interface WasmFeatures {
  /** 128-bit SIMD and atomic instructions. Without them the engine does not run. */
  readonly simd: boolean;
  /** Fused multiply-add and byte dot products. */
  readonly relaxedSimd: boolean;
  /** V8 may join pairs of 128-bit vectors into 256-bit ones (Node on x64). */
  readonly wideVectors: boolean;
  /** Memory can be shared between threads: everywhere in Node, in pages that are cross-origin isolated. */
  readonly sharedMemory: boolean;
  /** Threads that can run at once; 1 where memory cannot be shared. */
  readonly threads: number;
}

/** Features, and how kernels are to be compiled to have them. */
export interface WasmSupport extends WasmFeatures {
  readonly compiling: WithFlags;
}

let detected: Promise<WasmSupport> | undefined;

/**
 * Looks once at what is there. In Node V8's relaxed SIMD (a flag up to Node 20) and its 256-bit vectors are flags of the
 * process; they are on only while the kernels are compiled. With `SEGGPT_V8_FLAGS=keep` in the environment no flag is
 * touched at all, and the engine runs without them.
 */
export function wasmSupport(): Promise<WasmSupport> {
  detected ??= detect();
  return detected;
}

/** What this machine and this JavaScript engine offer the CPU engine. */
export async function wasmFeatures(): Promise<WasmFeatures> {
  const { compiling: _, ...features } = await wasmSupport();
  return features;
}

/** True in Node, and in nothing that only looks like it: Deno, a window of Electron. */
export function isNode(): boolean {
  return (
    typeof process === 'object' &&
    typeof process.versions?.node === 'string' &&
    (process as { type?: string }).type !== 'renderer' &&
    !('Deno' in globalThis)
  );
}

async function detect(): Promise<WasmSupport> {
  const relaxed = await kernelBinary(true);
  let relaxedSimd = WebAssembly.validate(relaxed);
  let wideVectors = false;
  let compiling = withoutFlags;
  if (isNode() && process.env.SEGGPT_V8_FLAGS !== 'keep') {
    wideVectors = hasWideVectors();
    compiling = await withV8Flags([
      ...(relaxedSimd ? [] : ['experimental-wasm-relaxed-simd']),
      ...(wideVectors ? ['experimental-wasm-revectorize'] : []),
    ]);
    relaxedSimd = compiling(() => WebAssembly.validate(relaxed));
  }
  const sharedMemory = canShareMemory();
  return {
    simd: relaxedSimd || WebAssembly.validate(await kernelBinary(false)),
    relaxedSimd,
    wideVectors,
    sharedMemory,
    threads: sharedMemory ? await countThreads() : 1,
    compiling,
  };
}

/** V8 prints to stderr when a flag is unknown, so the build's own configuration is asked first. */
function hasWideVectors(): boolean {
  const variables = process.config.variables as Record<string, unknown>;
  return process.arch === 'x64' && variables.v8_enable_wasm_simd256_revec === 1;
}

function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  if (typeof globalThis.crossOriginIsolated === 'boolean' && !globalThis.crossOriginIsolated)
    return false;
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return (memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

async function countThreads(): Promise<number> {
  if (isNode()) {
    const { availableParallelism } = await nodeBuiltin<typeof nodeOs>('node:os');
    return availableParallelism();
  }
  return typeof Worker === 'undefined' ? 1 : (navigator.hardwareConcurrency ?? 1);
}
