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

/**
 * Scaled dot-product attention of every head: `softmax(query keyᵀ + bias) value`, `(heads, Lq, d)`. Where batches are
 * taken apart, scores stay apart until they have met the values: they are the largest matrices of all.
 *
 * @param query `(heads, Lq, e)`, scaled
 * @param key `(heads, L, e)`
 * @param value `(heads, L, d)`
 * @param bias `(heads, Lq, L)`
 */
export function attend(
  tf: TensorFlow,
  query: tfjs.Tensor3D,
  key: tfjs.Tensor3D,
  value: tfjs.Tensor3D,
  bias?: tfjs.Tensor3D | null,
): tfjs.Tensor3D {
  if (!takesSingleMatrices(tf)) {
    const scores = tf.matMul(query, key, false, true);
    return tf.matMul(tf.softmax(bias ? scores.add(bias) : scores), value);
  }
  const transposed = key.transpose<tfjs.Tensor3D>([0, 2, 1]);
  return eachByItself(tf, query.shape[0], (head) => {
    const scores = tf.matMul(takeMatrix(tf, query, head), takeMatrix(tf, transposed, head));
    const biased = bias ? scores.add<tfjs.Tensor2D>(takeMatrix(tf, bias, head)) : scores;
    return tf.matMul(tf.softmax(biased), takeMatrix(tf, value, head));
  });
}

/** `a (B, m, k)` times the transposes of `b (B, n, k)`: `(B, m, n)`. */
export function timesTransposed(tf: TensorFlow, a: tfjs.Tensor3D, b: tfjs.Tensor3D): tfjs.Tensor3D {
  if (!takesSingleMatrices(tf)) return tf.matMul(a, b, false, true);
  const right = b.transpose<tfjs.Tensor3D>([0, 2, 1]);
  return eachByItself(tf, a.shape[0], (i) =>
    tf.matMul(takeMatrix(tf, a, i), takeMatrix(tf, right, i)),
  );
}

function takesSingleMatrices(tf: TensorFlow): boolean {
  return tf.getBackend() === 'wasm';
}

function eachByItself(
  tf: TensorFlow,
  count: number,
  product: (i: number) => tfjs.Tensor2D,
): tfjs.Tensor3D {
  const products = Array.from({ length: count }, (_, i) => tf.tidy(() => product(i)));
  return tf.stack(products) as tfjs.Tensor3D;
}

/** Matrix `i` of a batch. The backend's slices and `unstack` would copy the whole batch for every matrix taken. */
function takeMatrix(tf: TensorFlow, batch: tfjs.Tensor3D, i: number): tfjs.Tensor2D {
  const [, rows, columns] = batch.shape;
  return tf.gather(batch, [i]).reshape([rows, columns]);
}
