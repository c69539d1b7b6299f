import type { LabelMap } from '../../masks/label-map';
import type { FeatureGrid } from '../features/feature-grid';

/** What features say of a picture as a whole, and of each label in it: vectors of length 1. */
export interface Description {
  readonly picture: Float32Array;
  /** By label; of what a mask shows. */
  readonly labels: ReadonlyMap<number, Float32Array>;
}

/** The mean of all cells of some grids: what every picture has in common, and so tells nothing. */
export function commonPart(grids: readonly FeatureGrid[]): Float32Array {
  const [{ channels }] = grids;
  const sum = new Float64Array(channels);
  let count = 0;
  for (const { data } of grids) {
    for (let i = 0; i < data.length; i++) sum[i % channels] += data[i];
    count += data.length / channels;
  }
  return Float32Array.from(sum, (each) => each / count);
}

/** A picture's features without what all have in common, each cell at length 1: `(cells, channels)`. */
export function directions({ data, channels }: FeatureGrid, common: Float32Array): Float32Array {
  const result = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += channels) {
    let square = 0;
    for (let c = 0; c < channels; c++) {
      const value = data[at + c] - common[c];
      result[at + c] = value;
      square += value * value;
    }
    const factor = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let c = 0; c < channels; c++) result[at + c] *= factor;
  }
  return result;
}

/** Describes a picture, and what its mask marks, by the means of their cells. */
export function describe(grid: FeatureGrid, cells: Float32Array, mask: LabelMap): Description {
  const { rows, columns, channels, cellWidth, cellHeight } = grid;
  const sums = new Map<number, Float64Array>();
  const whole = new Float64Array(channels);
  const add = (to: Float64Array, at: number, weight: number) => {
    for (let c = 0; c < channels; c++) to[c] += weight * cells[at + c];
  };
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (r * columns + c) * channels;
      add(whole, at, 1);
      for (const [label, share] of sharesIn(mask, c * cellWidth, r * cellHeight, grid)) {
        let sum = sums.get(label);
        if (!sum) sums.set(label, (sum = new Float64Array(channels)));
        add(sum, at, share);
      }
    }
  }
  return {
    picture: unit(whole),
    labels: new Map([...sums].map(([label, sum]) => [label, unit(sum)])),
  };
}

/** Of a cell's pixels the share of each label but background. */
function sharesIn(
  { data, width, height }: LabelMap,
  x: number,
  y: number,
  { cellWidth, cellHeight }: FeatureGrid,
): Map<number, number> {
  const shares = new Map<number, number>();
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const right = Math.min(width, Math.max(left + 1, Math.floor(x + cellWidth)));
  const bottom = Math.min(height, Math.max(top + 1, Math.floor(y + cellHeight)));
  const pixels = (right - left) * (bottom - top);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const label = data[row * width + column];
      if (label !== 0) shares.set(label, (shares.get(label) ?? 0) + 1 / pixels);
    }
  }
  return shares;
}

function unit(sum: Float64Array): Float32Array {
  const length = Math.hypot(...sum);
  return Float32Array.from(sum, (each) => (length > 0 ? each / length : 0));
}

/** Scalar product. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
