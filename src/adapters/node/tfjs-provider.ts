import type * as nodeModule from 'node:module';
import type * as webgpuBackend from '@tensorflow/tfjs-backend-webgpu';
import type {
  TensorFlow,
  TfjsBackend,
  TfjsHandle,
  TfjsProvider,
  Unavailable,
} from '../../engines/tfjs/provider';
import {
  initialiseBackend,
  reasonFor,
  registerBackend,
  softwareAdapter,
  tensorFlow,
} from '../tfjs-backends';
import { nodeBuiltin } from '../../base/node-builtin';
import { warn } from '../../base/warn';
import { NotInstalled, optionalModule } from '../../base/optional-module';
import { openWebGpuDevice } from './webgpu-device';

type Outcome = TfjsHandle | Unavailable;

/** See `TfjsProvider.start`: finds the TF.js backend of that name in Node. Nothing is imported before it is asked for. */
async function start(name: TfjsBackend, hardwareOnly = false): Promise<Outcome> {
  try {
    if (name === 'tensorflow' || name === 'tensorflow-gpu') return await native(name);
    if (name === 'webgpu') {
      // One after the other: calls at the same time share one device.
      const turn = webgpuTurn.then(() => webgpu(hardwareOnly));
      webgpuTurn = turn.catch(() => undefined);
      return await turn;
    }
    const tf = await tensorFlow();
    if (name === 'wasm') await registerBackend(tf, name);
    return await initialiseBackend(tf, name);
  } catch (error) {
    return { unavailable: reasonFor(name, error, name === 'webgpu' ? ' webgpu' : '') };
  }
}

/** tfjs-node and tfjs-node-gpu: optional peers, whose native library may be missing. */
async function native(name: 'tensorflow' | 'tensorflow-gpu'): Promise<Outcome> {
  const packageName = name === 'tensorflow' ? '@tensorflow/tfjs-node' : '@tensorflow/tfjs-node-gpu';
  const load = await requiring(packageName); // nothing of the process is touched for a package that is not there
  // tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 removed.
  const legacy = await nodeBuiltin<Record<string, unknown>>('node:util');
  if (!legacy.isNullOrUndefined) {
    legacy.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
    warn(
      'TFJS_NODE',
      `seggpt defined util.isNullOrUndefined, which ${packageName} 4.22 calls and Node 23 removed.`,
    );
  }
  const tf = load(packageName) as TensorFlow;
  return initialiseBackend(tf, 'tensorflow');
}

/** A `require` that finds the package: from here, or from the working directory where this is a bundle elsewhere. */
async function requiring(packageName: string): Promise<NodeJS.Require> {
  const { createRequire } = await nodeBuiltin<typeof nodeModule>('node:module');
  for (const base of [import.meta.url || undefined, `${process.cwd()}/any.js`]) {
    if (base === undefined) continue;
    const load = createRequire(base);
    try {
      load.resolve(packageName);
      return load;
    } catch {
      // not from there
    }
  }
  throw new NotInstalled(packageName);
}

let webgpuTurn: Promise<unknown> = Promise.resolve();

/** Engines on the WebGPU backend that this package registered; it is removed with the last of them. */
let webgpuUsers = 0;

async function webgpu(hardwareOnly: boolean): Promise<Outcome> {
  if (webgpuUsers === 0) {
    if (await callerHasWebgpu()) return initialiseBackend(await tensorFlow(), 'webgpu');
    const failure = await registerWebgpu(hardwareOnly);
    if (failure) return failure;
  } else if (webgpuIsSoftware && hardwareOnly) {
    return softwareAdapter;
  }
  webgpuUsers++;
  return {
    tf: await tensorFlow(),
    backend: 'webgpu',
    software: webgpuIsSoftware,
    close: () => {
      if (--webgpuUsers === 0) closeWebgpu();
    },
  };
}

/** Whether the caller registered a WebGPU backend, or offers a `navigator.gpu` that TF.js makes one of. */
async function callerHasWebgpu(): Promise<boolean> {
  // TF.js keeps its state on the global object; where there is none, nobody can have registered anything.
  const offered = Boolean((globalThis.navigator as Navigator | undefined)?.gpu);
  if (!offered && !('_tfengine' in globalThis)) return false;
  const tf = await tensorFlow();
  await registerBackend(tf, 'webgpu');
  return 'webgpu' in tf.engine().registryFactory;
}

/** Registers a WebGPU backend of this package's own, on Dawn's device; returns why that failed, if it did. */
async function registerWebgpu(hardwareOnly: boolean): Promise<Unavailable | undefined> {
  const found = await openWebGpuDevice(hardwareOnly);
  if ('unavailable' in found) return found;
  const tf = await tensorFlow();
  const { WebGPUBackend } = await optionalModule<typeof webgpuBackend>(
    '@tensorflow/tfjs-backend-webgpu',
  );
  tf.registerBackend(
    'webgpu',
    () => withNavigatorGpu(() => new WebGPUBackend(found.device, found.info)),
    0,
  );
  const close = () => {
    tf.removeBackend('webgpu');
    found.close();
  };
  const outcome = await initialiseBackend(tf, 'webgpu');
  if ('unavailable' in outcome) {
    close();
    return outcome;
  }
  webgpuIsSoftware = found.software;
  closeWebgpu = close;
  return undefined;
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

/** TF.js in Node. */
export const tfjsProvider: TfjsProvider = { start };
