/**
 * Products of transposed and of batched matrices. TF.js's wasm backend hands only single, untransposed matrices to its
 * fast kernel; everything else takes it ten times as long. There matrices are transposed, and batches taken apart.
 */
import type * as tfjs from '@tensorflow/tfjs';

type TensorFlow = typeof tfjs;

/** `a (m, k)` times the transpose of `b (n, k)`: `(m, n)`. */
export function matrixTimesTransposed(
  tf: TensorFlow,
  a: tfjs.Tensor2D,
  b: tfjs.Tensor2D,
): tfjs.Tensor2D {
  return takesSingleMatrices(tf) ? tf.matMul(a, b.transpose()) : tf.matMul(a, b, false, true);
}

/** `a (B, m, k)` times `b (B, k, n)`: `(B, m, n)`. */
export function times(tf: TensorFlow, a: tfjs.Tensor3D, b: tfjs.Tensor3D): tfjs.Tensor3D {
  return takesSingleMatrices(tf) ? eachByItself(tf, a, b) : tf.matMul(a, b);
}

/** `a (B, m, k)` times the transposes of `b (B, n, k)`: `(B, m, n)`. */
export function timesTransposed(tf: TensorFlow, a: tfjs.Tensor3D, b: tfjs.Tensor3D): tfjs.Tensor3D {
  return takesSingleMatrices(tf)
    ? eachByItself(tf, a, b.transpose<tfjs.Tensor3D>([0, 2, 1]))
    : tf.matMul(a, b, false, true);
}

function takesSingleMatrices(tf: TensorFlow): boolean {
  return tf.getBackend() === 'wasm';
}

function eachByItself(tf: TensorFlow, a: tfjs.Tensor3D, b: tfjs.Tensor3D): tfjs.Tensor3D {
  const right = tf.unstack(b) as tfjs.Tensor2D[];
  const products = (tf.unstack(a) as tfjs.Tensor2D[]).map((left, i) => tf.matMul(left, right[i]));
  return tf.stack(products) as tfjs.Tensor3D;
}
