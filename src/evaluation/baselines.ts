import { resizeBicubic, resizeNearest } from '../images/resize';
import type { RgbImage } from '../images/rgb-image';
import type { LabelMap } from '../masks/label-map';
import type { Example } from './example';

/** What one could do without a model: the prompt's mask, stretched over the target. `(height, width)`, 0 and 1. */
export function copiedMask({ data, width, height }: LabelMap, target: RgbImage): Uint8Array {
  return resizeNearest(data, [height, width, 1], [target.height, target.width]);
}

/** Side of the grid on which pixels are compared. */
const SIDE = 40;
/** How much position counts beside colour: the whole picture's width is like this share of black to white. */
const POSITION = 0.5;

/** Each pixel gets the label of the prompt's pixel nearest in colour and position. `(height, width)`, 0 and 1. */
export function nearestColor(
  prompt: Pick<Example, 'image' | 'mask'>,
  target: RgbImage,
): Uint8Array {
  const { image, mask } = prompt;
  const rgb = resizeBicubic(image.data, [image.height, image.width, 3], [SIDE, SIDE]);
  const inside = resizeNearest(mask.data, [mask.height, mask.width, 1], [SIDE, SIDE]);
  const asked = resizeBicubic(target.data, [target.height, target.width, 3], [SIDE, SIDE]);
  const step = (255 * POSITION) / SIDE;
  const found = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < found.length; i++) {
    let best = Infinity;
    for (let j = 0; j < found.length; j++) {
      const dx = ((i % SIDE) - (j % SIDE)) * step;
      const dy = (Math.floor(i / SIDE) - Math.floor(j / SIDE)) * step;
      let distance = dx * dx + dy * dy;
      for (let c = 0; c < 3; c++) distance += (asked[i * 3 + c] - rgb[j * 3 + c]) ** 2;
      if (distance < best) {
        best = distance;
        found[i] = inside[j];
      }
    }
  }
  return resizeNearest(found, [SIDE, SIDE, 1], [target.height, target.width]);
}
