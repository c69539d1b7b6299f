import { nearestIndices } from '../images/resize';
import { type ColorMapping, type Color, leastSeparation, squaredDistance } from './color-mapping';

export const upsamplings = ['smooth', 'nearest'] as const;
/**
 * How a painting is brought to the target's size: `nearest` as the official code does, `smooth` by
 * interpolating how well each label fits, which gives clean edges.
 */
export type Upsampling = (typeof upsamplings)[number];

/** A decoded painting at the target's size, row-major. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  /** Labels, 0 = background. */
  readonly labels: Uint8Array;
  /** How well the chosen label (or background) fits each pixel, 0 … 1. */
  readonly scores: Float32Array;
}

/** A painting with its own size and the colours it was painted in. RGB 0 … 255, `(height, width, 3)`. */
export interface Painting {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  readonly mapping: ColorMapping;
}

/**
 * Sharpness of fits: at a quarter of the distance between two colours the nearer one gets 0.98, half
 * way between them each gets one half.
 */
const SHARPNESS = 8;

/**
 * How well each colour fits each pixel: softmax over squared distances, in units of the least distance
 * between two colours of the mapping.
 *
 * @returns `(colours + 1)` planes of `height * width`, background (black) first; they sum to 1.
 */
export function colorFits({ data, width, height, mapping }: Painting): Float32Array[] {
  const colors: Color[] = [[0, 0, 0], ...mapping.colors];
  const unit = leastSeparation(mapping.colors) ** 2;
  const size = width * height;
  const planes = colors.map(() => new Float32Array(size));
  const fits = new Float64Array(colors.length);
  for (let i = 0; i < size; i++) {
    const pixel: Color = [data[i * 3], data[i * 3 + 1], data[i * 3 + 2]];
    let nearest = Infinity;
    for (let k = 0; k < colors.length; k++) {
      fits[k] = squaredDistance(pixel, colors[k]) / unit;
      if (fits[k] < nearest) nearest = fits[k];
    }
    let sum = 0;
    for (let k = 0; k < colors.length; k++) {
      fits[k] = Math.exp(SHARPNESS * (nearest - fits[k]));
      sum += fits[k];
    }
    for (let k = 0; k < colors.length; k++) planes[k][i] = fits[k] / sum;
  }
  return planes;
}

/**
 * Decodes one painting, or several of the same target in different colours (averaged).
 *
 * @param fits planes from {@link colorFits}, background first, in the order of `labels`.
 * @param size of the painting and of the target, in pixels.
 */
export function decodeFits(
  fits: readonly Float32Array[],
  labels: readonly number[],
  [height, width]: readonly [height: number, width: number],
  [toHeight, toWidth]: readonly [height: number, width: number],
  upsampling: Upsampling,
): Decoded {
  const size = toHeight * toWidth;
  const decoded = new Uint8Array(size);
  const scores = new Float32Array(size).fill(-1);
  fits.forEach((plane, k) => {
    if (k > 0 && plane.every((fit) => fit < 0.01)) return; // a label that is nowhere
    const label = k === 0 ? 0 : labels[k - 1];
    const visit = (at: number, fit: number) => {
      if (fit > scores[at]) {
        scores[at] = fit;
        decoded[at] = label;
      }
    };
    if (upsampling === 'nearest') sampleNearest(plane, height, width, toHeight, toWidth, visit);
    else sampleLinear(plane, height, width, toHeight, toWidth, visit);
  });
  return { width: toWidth, height: toHeight, labels: decoded, scores };
}

type Visit = (at: number, value: number) => void;

function sampleNearest(
  plane: Float32Array,
  height: number,
  width: number,
  toHeight: number,
  toWidth: number,
  visit: Visit,
) {
  const rows = nearestIndices(height, toHeight);
  const columns = nearestIndices(width, toWidth);
  for (let y = 0, at = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++, at++) visit(at, plane[rows[y] * width + columns[x]]);
  }
}

/** Bilinear, half-pixel centres, edges repeated. */
function sampleLinear(
  plane: Float32Array,
  height: number,
  width: number,
  toHeight: number,
  toWidth: number,
  visit: Visit,
) {
  const [lefts, rights, shares] = linearTaps(width, toWidth);
  const [tops, bottoms, shifts] = linearTaps(height, toHeight);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const [top, bottom, down] = [tops[y] * width, bottoms[y] * width, shifts[y]];
    for (let x = 0; x < toWidth; x++, at++) {
      const [left, right, share] = [lefts[x], rights[x], shares[x]];
      const above = plane[top + left] + (plane[top + right] - plane[top + left]) * share;
      const below = plane[bottom + left] + (plane[bottom + right] - plane[bottom + left]) * share;
      visit(at, above + (below - above) * down);
    }
  }
}

function linearTaps(inputs: number, outputs: number): [Int32Array, Int32Array, Float32Array] {
  const [left, right, share] = [
    new Int32Array(outputs),
    new Int32Array(outputs),
    new Float32Array(outputs),
  ];
  for (let o = 0; o < outputs; o++) {
    const x = Math.max(((o + 0.5) * inputs) / outputs - 0.5, 0);
    left[o] = Math.min(Math.floor(x), inputs - 1);
    right[o] = Math.min(left[o] + 1, inputs - 1);
    share[o] = x - left[o];
  }
  return [left, right, share];
}
