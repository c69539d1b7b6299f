import type * as tfjs from '@tensorflow/tfjs';

/**
 * Smooth L1 loss over masked and valid pixels (official `forward_loss`): the mean over those values of
 * d²/(2β) where |d| < β, else |d| - β/2.
 *
 * @param painting, target `(N, H, W, 3)` normalised colours.
 * @param masked `(N, H, W, 1)` or `(N, H, W, 3)`, 1 where the painting is to be judged: masked patches
 *   times valid pixels.
 * @param beta half-width of the quadratic part. The paper's is 0.01.
 * @returns a scalar; 0 if nothing is masked.
 */
export function paintingLoss(
  tf: typeof tfjs,
  painting: tfjs.Tensor,
  target: tfjs.Tensor,
  masked: tfjs.Tensor,
  beta = 0.01,
): tfjs.Scalar {
  return tf.tidy(() => {
    const distance = painting.sub(target).abs();
    // min(d, β) keeps both branches in one smooth expression: m(d - m/2)/β is the loss times 1.
    const near = tf.minimum(distance, tf.scalar(beta));
    const loss = near.mul(distance.sub(near.mul(0.5))).div(beta);
    const weights = tf.broadcastTo(masked, painting.shape);
    return loss
      .mul(weights)
      .sum()
      .div<tfjs.Scalar>(tf.maximum(weights.sum(), tf.scalar(1)));
  });
}
