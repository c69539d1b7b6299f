import { fitOf, LOGIT_LIMIT, logitOf } from '../../colors/logits';
import { resizePlane } from '../../images/resize-plane';
import type { ContextLogits, ContextReading } from './context-session';
import type { MergedFits } from './passes';

/** How much more the one counts that is more consistent: before the target is read once more, and after. */
const [POWER, LAST_POWER] = [4, 8];

/**
 * What was painted and what the context decoder says as one. Each knows what the other does not, the painter texture and detail,
 * the decoder what things are; which of them is right about a target is told by {@link ContextReading.consistency}. The decoder
 * reads the target once more with both as one, and what it then says and the painting are weighed again. What was measured:
 * docs/decisions.md.
 */
export async function joinContext(
  fits: MergedFits,
  read: ContextReading,
  labels: readonly number[],
): Promise<MergedFits> {
  const found = ({ planes }: ContextLogits) => planes.map((plane) => plane.map(fitOf));
  const painted = planesFor(fits, labels, read.size);
  const [ofPainter, ofDecoder] = await read.consistency([painted, found(read)]);
  const joined = mixContext(fits, read, labels, sharesOf(ofPainter, ofDecoder, POWER));
  const again = await read.again(planesFor(joined, labels, read.size));
  const [ofBoth] = await read.consistency([found(again)]);
  return mixContext(fits, again, labels, sharesOf(ofPainter, ofBoth, LAST_POWER));
}

/**
 * The mean of logits, label by label.
 *
 * @param context planes in the order of `labels`.
 * @param shares for each of `labels` how much of it the fits are, 0 … 1.
 */
export function mixContext(
  fits: MergedFits,
  { planes, size }: ContextLogits,
  labels: readonly number[],
  shares: readonly number[],
): MergedFits {
  const { height, width } = fits;
  const mixed = fits.labels.map((label, k) => {
    const painted = fits.planes[k + 1];
    const at = labels.indexOf(label);
    const read = resized(planes[at], [size, size], [height, width]);
    return painted.map((fit, i) => {
      const limited = Math.min(Math.max(read[i], -LOGIT_LIMIT), LOGIT_LIMIT);
      return fitOf(shares[at] * logitOf(fit) + (1 - shares[at]) * limited);
    });
  });
  const background = new Float32Array(height * width);
  for (let i = 0; i < background.length; i++) {
    let most = 0;
    for (const plane of mixed) if (plane[i] > most) most = plane[i];
    background[i] = 1 - most;
  }
  return { ...fits, planes: [background, ...mixed] };
}

/** Fits of labels, in their order, `(size, size)` each. */
export function planesFor(
  { planes, labels: order, height, width }: MergedFits,
  labels: readonly number[],
  size: number,
): Float32Array[] {
  return labels.map((label) =>
    resized(planes[order.indexOf(label) + 1], [height, width], [size, size]),
  );
}

type Extents = readonly [height: number, width: number];

function resized(data: Float32Array, [height, width]: Extents, [rows, columns]: Extents) {
  if (height === rows && width === columns) return data;
  return resizePlane({ data, stride: width, width, height }, rows, columns);
}

/** The painter's share of each label; both count alike where neither is consistent. */
function sharesOf(painter: readonly number[], decoder: readonly number[], power: number) {
  return painter.map((score, k) => {
    const [a, b] = [score ** power, decoder[k] ** power];
    return a + b > 0 ? a / (a + b) : 0.5;
  });
}
