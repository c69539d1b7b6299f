import { platform } from '../../src/platform';
import type { TfjsBackend } from '../../src/platform/platform';

/** TF.js backends that start on this machine, of those that parity is asked for on. */
export async function availableBackends(): Promise<TfjsBackend[]> {
  const found: TfjsBackend[] = [];
  for (const name of ['cpu', 'wasm', 'webgpu', 'tensorflow'] as const) {
    const outcome = await platform.tfjsBackend(name);
    if ('unavailable' in outcome) {
      if (process.env.SEGGPT_TEST_BACKENDS?.split(',').includes(name)) throw new Error(`${name}: ${outcome.unavailable}`);
    } else {
      outcome.close?.();
      found.push(name);
    }
  }
  return found;
}
