import { fitOf, LOGIT_LIMIT, logitOf } from '../../colors/logits';
import { resizePlane } from '../../images/resize-plane';
import { innermost } from '../../masks/distance';
import { boundsOf } from '../../masks/mask';
import { regionsOf } from '../../masks/regions';
import type { SamPrompt } from '../../models/sam/prompt-encoder';
import type { EncodedImage } from '../interactive/encoded-image';
import type { SquareFit } from '../interactive/square';
import type { MergedFits } from './passes';

/** Parts smaller than this share of the canvas stay as painted. */
const LEAST_SHARE = 0.005;
/** A label in more parts than this is a texture, and stays as painted. */
const MOST_PARTS = 4;
/** By how much a box is wider than its part, to each side. */
const MARGIN = 0.05;
/** Half the width of the band along a part's border in which the painter's sureness is read, in pixels. */
const BAND = 4;
/** The decoder's weight where the painter is unsure, for one part. */
const WEIGHT = 0.6;
/** Sureness, in logits, from which the painter's border is the better one. */
const SURE = 2.2;
/** A part whose mask the decoder itself expects to be worse than this stays as painted. */
const LEAST_IOU = 0.6;

/** A connected part of a label, as it was painted. */
interface Part {
  readonly k: number;
  /** `(height, width)`, 1 inside. */
  readonly inside: Uint8Array;
  /** Logits, other parts hidden. */
  readonly painted: Float32Array;
  /** How many parts of the label are sharpened. */
  readonly siblings: number;
}

/**
 * Sharpens what was painted by SAM's decoder: each connected part of a label goes to it as a mask with a box and an inner
 * point, and what it answers is mixed in, the more the less sure the painter is of the part's border. Constants and what
 * they were chosen by: docs/decisions.md.
 *
 * @param encode encodes the picture; called only where there is something to sharpen.
 */
export async function sharpenFits(
  fits: MergedFits,
  encode: () => Promise<EncodedImage>,
  signal?: AbortSignal,
): Promise<MergedFits> {
  const { height, width } = fits;
  const parts = partsOf(fits);
  if (parts.length === 0) return fits;
  const picture = await encode();
  const { fit } = picture;
  const { logits, iou, side } = await picture.decode(
    parts.map((part) => promptOf(part, fits, fit, picture.cells)),
    signal,
  );
  const planes = fits.planes.map((plane) => Float32Array.from(plane, logitOf));
  const [shownHeight, shownWidth] = shownCells(fit, side);
  const sharpened = new Map<number, Float32Array>();
  parts.forEach((part, p) => {
    const { k, painted, inside, siblings } = part;
    if (iou[p] < LEAST_IOU) return;
    const sureness = borderSureness(part, height, width);
    const weight = (WEIGHT / Math.sqrt(siblings)) * Math.min(1, Math.max(0, SURE - sureness));
    if (weight === 0) return;
    const data = logits.subarray(p * side * side, (p + 1) * side * side);
    const answer = resizePlane(
      { data, stride: side, width: shownWidth, height: shownHeight },
      height,
      width,
    );
    let plane = sharpened.get(k);
    if (!plane) sharpened.set(k, (plane = new Float32Array(height * width).fill(-LOGIT_LIMIT)));
    for (let i = 0; i < plane.length; i++) {
      const limited = Math.min(Math.max(answer[i], -LOGIT_LIMIT), LOGIT_LIMIT);
      plane[i] = Math.max(plane[i], weight * limited + (1 - weight) * painted[i]);
    }
    for (let i = 0; i < inside.length; i++) if (inside[i]) planes[k][i] = -LOGIT_LIMIT; // replaced
  });
  if (sharpened.size === 0) return fits;
  for (const [k, plane] of sharpened) {
    // Parts that were left alone stay where they were.
    const own = wins(fits, k);
    for (let i = 0; i < plane.length; i++)
      planes[k][i] = own[i] ? Math.max(plane[i], planes[k][i]) : plane[i];
  }
  return { ...fits, planes: withBackground(planes) };
}

/** Fits of logits; the background is what the likeliest label leaves. */
function withBackground(planes: readonly Float32Array[]): Float32Array[] {
  const fits = planes.map((plane) => plane.map(fitOf));
  const background = fits[0];
  for (let i = 0; i < background.length; i++) {
    let most = 0;
    for (let k = 1; k < fits.length; k++) if (fits[k][i] > most) most = fits[k][i];
    background[i] = 1 - most;
  }
  return fits;
}

/** Where label `k` fits better than all others. */
function wins({ planes, height, width }: MergedFits, k: number): Uint8Array {
  const inside = new Uint8Array(height * width);
  for (let i = 0; i < inside.length; i++) {
    const fit = planes[k][i];
    inside[i] = planes.every((plane, j) => j === k || plane[i] < fit) ? 1 : 0;
  }
  return inside;
}

function partsOf(fits: MergedFits): Part[] {
  const { planes, height, width } = fits;
  const least = LEAST_SHARE * height * width;
  const all: Part[] = [];
  for (let k = 1; k < planes.length; k++) {
    const own = wins(fits, k);
    const { numbers, areas } = regionsOf(own, width, height);
    const large = areas
      .map((area, number) => ({ area, number }))
      .filter(({ area, number }) => number > 0 && area >= least)
      .sort((a, b) => b.area - a.area);
    if (large.length > MOST_PARTS) continue;
    for (const { number } of large) {
      const inside = Uint8Array.from(numbers, (each) => (each === number ? 1 : 0));
      const painted = Float32Array.from(planes[k], (value, i) =>
        logitOf(own[i] && !inside[i] ? 0 : value),
      );
      all.push({ k, inside, painted, siblings: large.length });
    }
  }
  return all;
}

/** Rows and columns of the decoder's logits that show the picture. */
function shownCells({ fittedHeight, fittedWidth, side }: SquareFit, cells: number) {
  return [fittedHeight, fittedWidth].map((length) =>
    Math.max(1, Math.round((length * cells) / side)),
  );
}

/** A part as mask, box and innermost point, in pixels of the square. */
function promptOf(
  { inside, painted }: Part,
  { height, width }: MergedFits,
  fit: SquareFit,
  cells: number,
): SamPrompt {
  const [rows, columns] = shownCells(fit, cells);
  const shrunk = resizePlane({ data: painted, stride: width, width, height }, rows, columns);
  const mask = new Float32Array(cells * cells).fill(-LOGIT_LIMIT);
  for (let y = 0; y < rows; y++)
    mask.set(shrunk.subarray(y * columns, (y + 1) * columns), y * cells);
  const [left, top, w, h] = boundsOf(inside, width, height)!;
  const { x, y } = innermost(inside, width, height);
  const across = (at: number) => (Math.min(Math.max(at, 0), width) / width) * fit.fittedWidth - 0.5;
  const down = (at: number) =>
    (Math.min(Math.max(at, 0), height) / height) * fit.fittedHeight - 0.5;
  return {
    mask,
    box: [
      across(left - MARGIN * w),
      down(top - MARGIN * h),
      across(left + w + MARGIN * w),
      down(top + h + MARGIN * h),
    ],
    points: [across(x + 0.5), down(y + 0.5)],
    labels: [1],
  };
}

/** The mean size of the painter's logits within a few pixels of a part's border. */
function borderSureness({ inside, painted }: Part, height: number, width: number): number {
  const near = boxSums(inside, height, width);
  let [sum, count] = [0, 0];
  for (let y = 0, i = 0; y < height; y++) {
    const rows = Math.min(height, y + BAND + 1) - Math.max(0, y - BAND);
    for (let x = 0; x < width; x++, i++) {
      const columns = Math.min(width, x + BAND + 1) - Math.max(0, x - BAND);
      if (near[i] === 0 || near[i] === rows * columns) continue;
      sum += Math.abs(painted[i]);
      count++;
    }
  }
  return count === 0 ? Infinity : sum / count;
}

/** Pixels inside in the square of {@link BAND} pixels to each side. */
function boxSums(inside: Uint8Array, height: number, width: number): Int32Array {
  const across = new Int32Array(height * width);
  for (let y = 0; y < height; y++) {
    let sum = 0;
    const row = y * width;
    for (let x = 0; x < Math.min(BAND, width); x++) sum += inside[row + x];
    for (let x = 0; x < width; x++) {
      if (x + BAND < width) sum += inside[row + x + BAND];
      if (x - BAND - 1 >= 0) sum -= inside[row + x - BAND - 1];
      across[row + x] = sum;
    }
  }
  const sums = new Int32Array(height * width);
  for (let x = 0; x < width; x++) {
    let sum = 0;
    for (let y = 0; y < Math.min(BAND, height); y++) sum += across[y * width + x];
    for (let y = 0; y < height; y++) {
      if (y + BAND < height) sum += across[(y + BAND) * width + x];
      if (y - BAND - 1 >= 0) sum -= across[(y - BAND - 1) * width + x];
      sums[y * width + x] = sum;
    }
  }
  return sums;
}
