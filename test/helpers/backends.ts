import type { BackendChoice } from '../../src/engines/engine-options';
import { type TfjsBackend, tfjsProvider } from '../../src/engines/tfjs/provider';

/** Backends that must start, or the suite fails: a list in the environment, for machines known to have them. */
const required = (process.env.SEGGPT_TEST_BACKENDS ?? 'cpu,tfjs-wasm').split(',');

/** Backends that are not to be tried, because they were tested already. */
const skipped = (process.env.SEGGPT_SKIP_BACKENDS ?? '').split(',');

/** Whether a backend starts on this machine. */
export async function isAvailable(backend: BackendChoice): Promise<boolean> {
  if (backend === 'wasm') return true;
  if (skipped.includes(backend)) return false;
  const outcome = await tfjsProvider.start(
    (backend === 'tfjs-wasm' ? 'wasm' : backend) as TfjsBackend,
  );
  if ('unavailable' in outcome) {
    if (required.includes(backend))
      throw new Error(`${backend} should start here: ${outcome.unavailable}`);
    return false;
  }
  outcome.close?.();
  return true;
}
