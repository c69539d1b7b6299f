import { givenTensorFlow } from '../engines/tfjs/given-tensorflow';
import type { TensorFlow, TfjsBackend, TfjsHandle, Unavailable } from '../engines/tfjs/provider';
import { NotInstalled, optionalModule } from '../base/optional-module';

/** The TF.js that the application handed over, else the one that is installed. @throws NotInstalled */
export async function tensorFlow(): Promise<TensorFlow> {
  const given = givenTensorFlow();
  if (given) return given;
  const found = await optionalModule<TensorFlow & { default?: TensorFlow }>('@tensorflow/tfjs');
  return found.default ?? found;
}

/** Sees to it that a backend package has registered itself. @throws NotInstalled */
export async function registerBackend(tf: TensorFlow, name: 'wasm' | 'webgpu'): Promise<void> {
  if (!(name in tf.engine().registryFactory))
    await optionalModule(`@tensorflow/tfjs-backend-${name}`);
}

/** What has to be installed for a backend of TF.js. */
const PACKAGES: Record<TfjsBackend, string> = {
  'tensorflow-gpu': '@tensorflow/tfjs-node-gpu',
  tensorflow: '@tensorflow/tfjs-node',
  webgpu: '@tensorflow/tfjs @tensorflow/tfjs-backend-webgpu',
  wasm: '@tensorflow/tfjs @tensorflow/tfjs-backend-wasm',
  webgl: '@tensorflow/tfjs',
  cpu: '@tensorflow/tfjs',
};

/** Why a backend cannot be had, in one line, with what to do where a package is missing. */
export function reasonFor(backend: TfjsBackend, error: unknown, more = ''): string {
  if (!(error instanceof NotInstalled)) return reason(error);
  return `${error.message} (npm install ${PACKAGES[backend]}${more})`;
}

/** Why something failed, in one line. */
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

/** What a backend computes with, where it is a graphics device. */
function deviceOf(tf: TensorFlow, backend: string): GPUDevice | undefined {
  if (!(backend in tf.engine().registry)) return undefined; // looking a backend up starts it
  const { device } = tf.findBackend(backend) as Partial<Record<'device', GPUDevice>>;
  return typeof device?.lost?.then === 'function' ? device : undefined;
}

/** Devices that are gone. */
const gone = new WeakSet<GPUDevice>();

/** Lets a backend whose device is gone be started anew. */
function forgetLost(tf: TensorFlow, backend: string): void {
  const device = deviceOf(tf, backend);
  if (!device || !gone.has(device)) return;
  const { factory, priority } = tf.engine().registryFactory[backend];
  tf.removeBackend(backend);
  tf.registerBackend(backend, factory, priority);
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
  forgetLost(tf, backend);
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
  const device = deviceOf(tf, backend);
  void device?.lost.then(() => gone.add(device));
  return { tf, backend, software: false, lost: device?.lost };
}
