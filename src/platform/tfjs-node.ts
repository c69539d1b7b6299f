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
  const tf = load(
    name === 'tensorflow' ? '@tensorflow/tfjs-node' : '@tensorflow/tfjs-node-gpu',
  ) as TensorFlow;
  return initialiseBackend(tf, 'tensorflow');
}

/** Engines on the WebGPU backend that this package registered; it is removed with the last of them. */
let webgpuUsers = 0;

async function webgpu(tf: TensorFlow): Promise<Outcome> {
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  if ('webgpu' in tf.engine().registryFactory && webgpuUsers === 0)
    return initialiseBackend(tf, 'webgpu'); // the caller's own
  let software = webgpuIsSoftware;
  if (webgpuUsers === 0) {
    const found = await openWebGpuDevice();
    if ('unavailable' in found) return found;
    software = webgpuIsSoftware = found.software;
    tf.registerBackend(
      'webgpu',
      () => withNavigatorGpu(() => new WebGPUBackend(found.device, found.info)),
      0,
    );
    const outcome = await initialiseBackend(tf, 'webgpu');
    if ('unavailable' in outcome) {
      tf.removeBackend('webgpu');
      found.close();
      return outcome;
    }
    closeWebgpu = () => {
      tf.removeBackend('webgpu');
      found.close();
    };
  }
  webgpuUsers++;
  return {
    tf,
    backend: 'webgpu',
    software,
    close: () => {
      if (--webgpuUsers === 0) closeWebgpu();
    },
  };
}

let webgpuIsSoftware = false;
let closeWebgpu: () => void = () => undefined;

/** TF.js wants to see a `navigator.gpu` while its backend is built, and never reads it. */
function withNavigatorGpu<Result>(build: () => Result): Result {
  if ((globalThis.navigator as Navigator | undefined)?.gpu) return build();
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: {} }, configurable: true });
  try {
    return build();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else delete (globalThis as { navigator?: unknown }).navigator;
  }
}
