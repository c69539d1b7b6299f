import { fitOf, LOGIT_LIMIT, logitOf } from '../../colors/logits';
import { resizePlane } from '../../images/resize-plane';
import type { ContextLogits } from './context-session';
import type { MergedFits } from './passes';

/**
 * What was painted and what the context decoder says as one: the mean of their logits, label by label. Each knows what the
 * other does not, the painter texture and detail, the decoder what things are; see docs/decisions.md.
 *
 * @param context planes in the order of `labels`.
 */
export function joinContext(
  fits: MergedFits,
  { planes, size }: ContextLogits,
  labels: readonly number[],
): MergedFits {
  const { height, width } = fits;
  const joined = fits.labels.map((label, k) => {
    const painted = fits.planes[k + 1];
    const data = planes[labels.indexOf(label)];
    const read =
      size === height && size === width
        ? data
        : resizePlane({ data, stride: size, width: size, height: size }, height, width);
    return painted.map((fit, i) => {
      const limited = Math.min(Math.max(read[i], -LOGIT_LIMIT), LOGIT_LIMIT);
      return fitOf((logitOf(fit) + limited) / 2);
    });
  });
  const background = new Float32Array(height * width);
  for (let i = 0; i < background.length; i++) {
    let most = 0;
    for (const plane of joined) if (plane[i] > most) most = plane[i];
    background[i] = 1 - most;
  }
  return { ...fits, planes: [background, ...joined] };
}
