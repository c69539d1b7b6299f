/** `seggpt/engines`: what this machine can compute on. */
import { tfjsProvider, type TfjsBackend } from '../engines/tfjs/provider';
import { wasmFeatures } from '../engines/wasm';

export { wasmFeatures, type WasmFeatures } from '../engines/wasm';

const TFJS: readonly TfjsBackend[] = [
  'tensorflow-gpu',
  'webgpu',
  'tensorflow',
  'wasm',
  'webgl',
  'cpu',
];

/** For each engine, by name, whether it starts here: `'available: …'` or `'not available: …'` with the reason. */
export async function describeEngines(): Promise<Record<string, string>> {
  const engines: Record<string, string> = { wasm: await describeCpuEngine() };
  for (const name of TFJS) {
    const found = await tfjsProvider.start(name);
    engines[`tfjs-${name}`] =
      'unavailable' in found
        ? `not available: ${found.unavailable}`
        : found.software
          ? 'available, in software'
          : 'available';
    if (!('unavailable' in found)) found.close?.();
  }
  return engines;
}

async function describeCpuEngine(): Promise<string> {
  const { simd, relaxedSimd, wideVectors, threads, sharedMemory } = await wasmFeatures();
  const parts = {
    'WebAssembly SIMD': simd,
    'relaxed SIMD': relaxedSimd,
    '256-bit vectors': wideVectors,
    'shared memory': sharedMemory,
  };
  const found = Object.entries(parts).map(([name, has]) => (has ? name : `no ${name}`));
  return `${simd ? 'available' : 'not available'}: ${found.join(', ')}, ${threads} threads`;
}
