import type { TensorFlow, TfjsBackend, TfjsHandle } from './platform';
import { initialiseBackend, reason } from './tfjs-common';

/** Finds the TF.js backend of that name in a browser. Nothing is imported before it is asked for. */
export async function tfjsBackend(
  name: TfjsBackend,
): Promise<TfjsHandle | { readonly unavailable: string }> {
  try {
    if (name === 'tensorflow' || name === 'tensorflow-gpu')
      return { unavailable: 'TensorFlow runs in Node alone' };
    const tf: TensorFlow = await import('@tensorflow/tfjs');
    if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
    if (name === 'webgpu') {
      if (!navigator.gpu) return { unavailable: 'this browser has no WebGPU' };
      const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) return { unavailable: 'this browser offers no WebGPU adapter' };
      await import('@tensorflow/tfjs-backend-webgpu');
      const outcome = await initialiseBackend(tf, 'webgpu');
      const { vendor, architecture } = adapter.info;
      return 'unavailable' in outcome
        ? outcome
        : { ...outcome, software: /swiftshader|software/i.test(`${vendor} ${architecture}`) };
    }
    return await initialiseBackend(tf, name);
  } catch (error) {
    return { unavailable: reason(error) };
  }
}
