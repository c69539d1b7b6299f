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
import { optionalModule } from '../../base/optional-module';
import { installedRequire } from './installed-require';
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
  const load = installedRequire(packageName); // nothing of the process is touched for a package that is not there
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

let webgpuTurn: Promise<unknown> = Promise.resolve();

/** A WebGPU backend that this package registered. */
interface OwnWebgpu {
  readonly handle: TfjsHandle;
  /** Engines on it. */
  users: number;
  /** Takes it from TF.js, so that another can be registered. */
  readonly unregister: () => void;
  /** Closes its device. */
  readonly close: () => void;
}

/** The one that engines are started on. */
let own: OwnWebgpu | undefined;

async function webgpu(hardwareOnly: boolean): Promise<Outcome> {
  if (!own) {
    if (await callerHasWebgpu()) return initialiseBackend(await tensorFlow(), 'webgpu');
    const outcome = await registerWebgpu(hardwareOnly);
    if ('unavailable' in outcome) return outcome;
    own = outcome;
  } else if (own.handle.software && hardwareOnly) {
    return softwareAdapter;
  }
  const shared = own;
  shared.users++;
  return {
    ...shared.handle,
    close: () => {
      if (--shared.users > 0) return;
      retire(shared);
      shared.close();
    },
  };
}

/** No engine starts on it from now on: the last one was released, or its device is gone. */
function retire(shared: OwnWebgpu): void {
  if (own !== shared) return;
  own = undefined;
  shared.unregister();
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

/** Registers a WebGPU backend of this package's own, on Dawn's device. */
async function registerWebgpu(hardwareOnly: boolean): Promise<OwnWebgpu | Unavailable> {
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
  const unregister = () => tf.removeBackend('webgpu');
  const outcome = await initialiseBackend(tf, 'webgpu');
  if ('unavailable' in outcome) {
    unregister();
    found.close();
    return outcome;
  }
  const { software, close } = found;
  const registered = { handle: { ...outcome, software }, users: 0, unregister, close };
  void outcome.lost?.then(() => retire(registered));
  return registered;
}

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
