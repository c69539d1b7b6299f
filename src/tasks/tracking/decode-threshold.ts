import type { Decoded, Painting } from '../../colors/decode';
import { nearestIndices } from '../../images/resize';

/**
 * The official decoding of one object (`seggpt_inference.py`): brighter than a threshold, after resizing by nearest.
 *
 * @param threshold 0 … 255, against the mean of the three channels.
 */
export function decodeThreshold(
  painting: Painting,
  label: number,
  threshold: number,
  [height, width]: readonly [height: number, width: number],
): Decoded {
  const labels = new Uint8Array(height * width);
  const scores = new Float32Array(height * width);
  const scoreSums = new Float64Array(256);
  const rows = nearestIndices(painting.height, height);
  const columns = nearestIndices(painting.width, width);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = (rows[y] * painting.width + columns[x]) * 3;
      const brightness = (painting.data[at] + painting.data[at + 1] + painting.data[at + 2]) / 3;
      labels[i] = brightness > threshold ? label : 0;
      scores[i] = brightness > threshold ? brightness / 255 : 1 - brightness / 255;
      scoreSums[labels[i]] += scores[i];
    }
  }
  return { width, height, labels, scoreSums, scores: () => scores };
}
