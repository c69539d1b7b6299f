import type { TensorFlow, TfjsBackend, TfjsHandle } from './platform';
import { initialiseBackend, reason } from './tfjs-common';
import { openWebGpuDevice } from './webgpu-node';

type Outcome = TfjsHandle | { readonly unavailable: string };

/** Finds the TF.js backend of that name in Node. Nothing is imported before it is asked for. */
export async function tfjsBackend(name: TfjsBackend): Promise<Outcome> {
  try {
    if (name === 'tensorflow' || name === 'tensorflow-gpu') return await native(name);
    const tf = await core();
    if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
    if (name === 'webgpu') return await webgpu(tf);
    return await initialiseBackend(tf, name);
  } catch (error) {
    return { unavailable: reason(error) };
  }
}

async function core(): Promise<TensorFlow> {
  const tf = await import('@tensorflow/tfjs');
  return (tf as { default?: TensorFlow }).default ?? tf;
}

/** tfjs-node and tfjs-node-gpu: optional peers, whose native library may be missing. */
async function native(name: 'tensorflow' | 'tensorflow-gpu'): Promise<Outcome> {
  const { createRequire } = await import('node:module');
  const { default: util } = await import('node:util');
  // tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 removed.
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  const load = createRequire(import.meta.url);
  const tf = load(name === 'tensorflow' ? '@tensorflow/tfjs-node' : '@tensorflow/tfjs-node-gpu') as TensorFlow;
  return initialiseBackend(tf, 'tensorflow');
}

async function webgpu(tf: TensorFlow): Promise<Outcome> {
  const found = await openWebGpuDevice();
  if ('unavailable' in found) return found;
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  const registered = 'seggpt-webgpu';
  if (!(registered in tf.engine().registryFactory)) {
    tf.registerBackend(registered, () => new WebGPUBackend(found.device, found.info), 0);
    copyKernels(tf, 'webgpu', registered);
  }
  const outcome = await initialiseBackend(tf, registered);
  if ('unavailable' in outcome) return outcome;
  return { ...outcome, software: found.software, close: found.close };
}

/** Kernels are registered by backend name; a backend of another name needs them too. */
function copyKernels(tf: TensorFlow, from: string, to: string): void {
  for (const kernel of tf.getKernelsForBackend(from)) tf.registerKernel({ ...kernel, backendName: to });
}
