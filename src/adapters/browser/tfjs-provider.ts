import type {
  TfjsBackend,
  TfjsHandle,
  TfjsProvider,
  Unavailable,
} from '../../engines/tfjs/provider';
import {
  initialiseBackend,
  isSoftware,
  reasonFor,
  registerBackend,
  softwareAdapter,
  tensorFlow,
} from '../tfjs-backends';

/** See `TfjsProvider.start`: finds the TF.js backend of that name in a browser. Nothing is imported before it is asked for. */
async function start(name: TfjsBackend, hardwareOnly = false): Promise<TfjsHandle | Unavailable> {
  try {
    if (name === 'tensorflow' || name === 'tensorflow-gpu')
      return { unavailable: 'TensorFlow runs in Node alone' };
    if (name === 'webgpu') return await webgpu(hardwareOnly);
    const tf = await tensorFlow();
    if (name === 'wasm') await registerBackend(tf, name);
    return await initialiseBackend(tf, name);
  } catch (error) {
    return { unavailable: reasonFor(name, error, '; then useTensorFlow(tf)') };
  }
}

async function webgpu(hardwareOnly: boolean): Promise<TfjsHandle | Unavailable> {
  if (!navigator.gpu) return { unavailable: 'this browser has no WebGPU' };
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return { unavailable: 'this browser offers no WebGPU adapter' };
  const software = isSoftware(adapter.info);
  if (software && hardwareOnly) return softwareAdapter;
  const tf = await tensorFlow();
  await registerBackend(tf, 'webgpu');
  const outcome = await initialiseBackend(tf, 'webgpu');
  return 'unavailable' in outcome ? outcome : { ...outcome, software };
}

/** TF.js in browsers. */
export const tfjsProvider: TfjsProvider = { start };
