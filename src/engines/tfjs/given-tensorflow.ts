import { InvalidInputError } from '../../base/errors';
import type { TensorFlow } from './provider';

/** What `useTensorFlow` asks of TF.js; the whole module has it. */
export interface TensorFlowModule {
  /** TF.js's own registry of backends and tensors. */
  engine(): object;
  /** Makes a registered backend the current one. */
  setBackend(name: string): Promise<boolean>;
}

let given: TensorFlow | undefined;

/**
 * Hands the package the TF.js that the application imports. Without it, TF.js is imported by its name the first time an
 * engine of TF.js is asked for; bundlers do not follow that, so bundled applications that want one call this first. Backend
 * packages that the application imports beside it are found, too. The CPU engine (`wasm`) needs no TF.js.
 *
 * @param tf the module `@tensorflow/tfjs` (or `@tensorflow/tfjs-core` with a backend).
 * @throws InvalidInputError if it is not TF.js.
 *
 * @example
 * import * as tf from '@tensorflow/tfjs';
 * import '@tensorflow/tfjs-backend-webgpu';
 * useTensorFlow(tf);
 * const segmenter = await InContextSegmenter.load('bundled', { backend: 'webgpu' });
 */
export function useTensorFlow(tf: TensorFlowModule): void {
  if (typeof tf?.engine !== 'function' || typeof tf.setBackend !== 'function')
    throw new InvalidInputError(
      'tf',
      "must be TF.js: import * as tf from '@tensorflow/tfjs'; useTensorFlow(tf).",
    );
  given = tf as unknown as TensorFlow;
}

/** The TF.js that was handed over, if one was. */
export function givenTensorFlow(): TensorFlow | undefined {
  return given;
}
