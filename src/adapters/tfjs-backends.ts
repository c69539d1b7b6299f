import type { TensorFlow, TfjsHandle, Unavailable } from '../engines/tfjs/provider';

/** Why an optional module could not be loaded, in one line. */
export function reason(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error).split('\n')[0];
}

/** Why `auto` passes an adapter by: the CPU engine is many times as fast. */
export const softwareAdapter = { unavailable: 'its adapter computes in software' } as const;

/** Whether a WebGPU adapter is a CPU in disguise, by its names. */
export function isSoftware({ vendor, architecture, device, description }: GPUAdapterInfo): boolean {
  return /swiftshader|llvmpipe|lavapipe|software|cpu/i.test(
    `${vendor} ${architecture} ${device} ${description}`,
  );
}

/**
 * Initialises a backend of TF.js without leaving it current: the process keeps the one it had.
 */
export async function initialiseBackend(
  tf: TensorFlow,
  backend: string,
): Promise<TfjsHandle | Unavailable> {
  const engine = tf.engine();
  if (!(backend in engine.registryFactory))
    return { unavailable: `TF.js has no backend "${backend}" registered` };
  const before = engine.backendName;
  let ready = false;
  let failure: unknown;
  try {
    ready = await tf.setBackend(backend);
    if (ready) await tf.ready();
  } catch (error) {
    failure = error;
  } finally {
    if (before && before !== backend) await tf.setBackend(before);
  }
  if (!ready)
    return {
      unavailable: failure ? reason(failure) : `TF.js could not start its backend "${backend}"`,
    };
  return { tf, backend, software: false };
}
