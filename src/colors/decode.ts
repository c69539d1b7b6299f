import { nearestIndices } from '../images/resize';
import { type ColorMapping, type Color, leastSeparation, squaredDistance } from './color-mapping';

/** How masks reach the size of the target. */
export const upsamplings = ['guided', 'smooth', 'nearest'] as const;
/**
 * How a painting is brought to the target's size: `nearest` as the official code does; `smooth` by
 * interpolating how well each label fits, which gives clean edges; `guided` the same, after a filter that moves these
 * edges onto the picture's.
 */
export type Upsampling = (typeof upsamplings)[number];

/** A decoded painting at the target's size, row-major. */
export interface Decoded {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Labels, 0 = background. */
  readonly labels: Uint8Array;
  /** By label, 0 … 255: the sum of its score over its pixels. */
  readonly scoreSums: Float64Array;
  /** How well the chosen label (or background) fits each pixel, 0 … 1; computed anew by each call. */
  scores(): Float32Array;
}

/** A painting with its own size and the colours it was painted in. RGB 0 … 255, `(height, width, 3)`. */
export interface Painting {
  /** Of half a canvas, in pixels. */
  readonly width: number;
  /** Of half a canvas, in pixels. */
  readonly height: number;
  /** `(height, width, 3)` row-major RGB, 0 … 255. */
  readonly data: Float32Array;
  /** The colours that the labels had. */
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

/** Fits of all labels side by side, `(height * width, K)`, and where they are to be read. */
interface Field {
  readonly fits: Float32Array;
  /** `K`: background and labels that are somewhere. */
  readonly count: number;
  /** Label of each of the `K`. */
  readonly labels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly toHeight: number;
  readonly toWidth: number;
}

/**
 * Decodes fits at the target's size: each pixel gets the label that fits best there, the first of equals.
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
  // A label that is nowhere is left out.
  const kept = fits.flatMap((plane, k) => (k === 0 || plane.some((fit) => fit >= 0.01) ? [k] : []));
  const count = kept.length;
  const field: Field = {
    fits: new Float32Array(height * width * count),
    count,
    labels: Uint8Array.from(kept, (k) => (k === 0 ? 0 : labels[k - 1])),
    height,
    width,
    toHeight,
    toWidth,
  };
  kept.forEach((k, j) => {
    const plane = fits[k];
    for (let i = 0; i < plane.length; i++) field.fits[i * count + j] = plane[i];
  });
  const decoded = upsampling === 'nearest' ? decodeNearest(field) : decodeSmooth(field);
  return {
    width: toWidth,
    height: toHeight,
    ...decoded,
    scores: () => scoresOf(field, decoded.labels, upsampling),
  };
}

/** For each pixel of a painting the index of what fits best. */
function bestFits({ fits, count, height, width }: Field): Uint8Array {
  const best = new Uint8Array(height * width);
  for (let i = 0; i < best.length; i++) {
    const at = i * count;
    let top = 0;
    for (let k = 1; k < count; k++) if (fits[at + k] > fits[at + top]) top = k;
    best[i] = top;
  }
  return best;
}

function decodeNearest(field: Field) {
  const { fits, count, width, height, toWidth, toHeight } = field;
  const best = bestFits(field);
  const rows = nearestIndices(height, toHeight);
  const columns = nearestIndices(width, toWidth);
  const labels = new Uint8Array(toHeight * toWidth);
  const scoreSums = new Float64Array(256);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const row = rows[y] * width;
    for (let x = 0; x < toWidth; x++, at++) {
      const i = row + columns[x];
      const label = field.labels[best[i]];
      labels[at] = label;
      scoreSums[label] += fits[i * count + best[i]];
    }
  }
  return { labels, scoreSums };
}

/** By how much a label must lead at all four corners of a cell to have all of it, whatever rounding does. */
const CLEAR_LEAD = 1e-5;

/**
 * Bilinear interpolation, half-pixel centres, edges repeated. The four pixels of the painting around a target pixel
 * span a cell, and in most cells one label leads at all four corners. Interpolation is linear in each fit, so it leads
 * everywhere between, and the cell is filled without looking at its pixels; the sum of its scores follows from the sums
 * of the shares. Elsewhere only labels that can win at all are interpolated.
 */
function decodeSmooth(field: Field) {
  const { fits, count, width, height, toWidth, toHeight } = field;
  const clear = clearLeads(field);
  const across = cellsOf(linearTaps(width, toWidth));
  const down = cellsOf(linearTaps(height, toHeight));
  const labels = new Uint8Array(toHeight * toWidth);
  const scoreSums = new Float64Array(256);
  const candidates = new Int32Array(count);
  for (const row of down) {
    const [above, below] = [row.low * width, row.high * width];
    for (const column of across) {
      const corners: Corners = [
        above + column.low,
        above + column.high,
        below + column.low,
        below + column.high,
      ];
      const leader = clear[corners[0]];
      if (
        leader &&
        leader === clear[corners[1]] &&
        leader === clear[corners[2]] &&
        leader === clear[corners[3]]
      ) {
        const label = field.labels[leader - 1];
        if (label > 0) {
          for (let y = row.start; y < row.end; y++)
            labels.fill(label, y * toWidth + column.start, y * toWidth + column.end);
        }
        scoreSums[label] += cellSum(fits, count, leader - 1, corners, row, column);
      } else {
        const found = findCandidates(field, corners, candidates);
        decodeCell(field, corners, candidates, found, row, column, labels, scoreSums);
      }
    }
  }
  return { labels, scoreSums };
}

/** Pixels of a painting: top left, top right, bottom left, bottom right. */
type Corners = readonly [number, number, number, number];

/** For each pixel of a painting 1 + the index of what leads there clearly, or 0. */
function clearLeads(field: Field): Uint16Array {
  const { fits, count } = field;
  const best = bestFits(field);
  return Uint16Array.from(best, (top, i) => {
    const least = fits[i * count + top] - CLEAR_LEAD;
    for (let k = 0; k < count; k++) if (k !== top && fits[i * count + k] > least) return 0;
    return top + 1;
  });
}

/** Target rows or columns between the same two of the painting. */
interface Cells {
  readonly start: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
  /** Share of `high`, for each from `start` on. */
  readonly shares: Float32Array;
  readonly shareSum: number;
}

function cellsOf({ low, high, share }: Taps): Cells[] {
  const cells: Cells[] = [];
  for (let start = 0; start < low.length;) {
    let end = start + 1;
    while (end < low.length && low[end] === low[start] && high[end] === high[start]) end++;
    const shares = share.subarray(start, end);
    const shareSum = shares.reduce((sum, each) => sum + each, 0);
    cells.push({ start, end, low: low[start], high: high[start], shares, shareSum });
    start = end;
  }
  return cells;
}

/** Sum of one fit, interpolated, over all target pixels of a cell. */
function cellSum(
  fits: Float32Array,
  count: number,
  k: number,
  [topLeft, topRight, bottomLeft, bottomRight]: Corners,
  row: Cells,
  column: Cells,
): number {
  const [right, bottom] = [column.shareSum, row.shareSum];
  const [left, top] = [column.end - column.start - right, row.end - row.start - bottom];
  return (
    top * (left * fits[topLeft * count + k] + right * fits[topRight * count + k]) +
    bottom * (left * fits[bottomLeft * count + k] + right * fits[bottomRight * count + k])
  );
}

/** Those that reach, at some corner, what another has at all four: nothing else can win between. @returns how many. */
function findCandidates({ fits, count }: Field, corners: Corners, found: Int32Array): number {
  let sure = 0;
  for (let k = 0; k < count; k++) {
    let least = Infinity;
    for (const corner of corners) least = Math.min(least, fits[corner * count + k]);
    if (least > sure) sure = least;
  }
  let length = 0;
  for (let k = 0; k < count; k++) {
    let most = 0;
    for (const corner of corners) most = Math.max(most, fits[corner * count + k]);
    if (most >= sure - CLEAR_LEAD) found[length++] = k;
  }
  return length;
}

function decodeCell(
  { fits, count, labels: known, toWidth }: Field,
  [topLeft, topRight, bottomLeft, bottomRight]: Corners,
  candidates: Int32Array,
  length: number,
  row: Cells,
  column: Cells,
  labels: Uint8Array,
  scoreSums: Float64Array,
): void {
  for (let y = row.start; y < row.end; y++) {
    const shift = row.shares[y - row.start];
    for (let x = column.start; x < column.end; x++) {
      const share = column.shares[x - column.start];
      let best = -1;
      let label = 0;
      for (let c = 0; c < length; c++) {
        const k = candidates[c];
        const above = lerp(fits[topLeft * count + k], fits[topRight * count + k], share);
        const below = lerp(fits[bottomLeft * count + k], fits[bottomRight * count + k], share);
        const fit = Math.fround(lerp(above, below, shift));
        if (fit > best) {
          best = fit;
          label = known[k];
        }
      }
      labels[y * toWidth + x] = label;
      scoreSums[label] += best;
    }
  }
}

function lerp(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

function scoresOf(field: Field, decoded: Uint8Array, upsampling: Upsampling): Float32Array {
  const { fits, count, labels, width, height, toWidth, toHeight } = field;
  const indices = new Uint8Array(256);
  labels.forEach((label, k) => (indices[label] = k));
  const scores = new Float32Array(decoded.length);
  const rows =
    upsampling === 'nearest' ? nearestTaps(height, toHeight) : linearTaps(height, toHeight);
  const columns =
    upsampling === 'nearest' ? nearestTaps(width, toWidth) : linearTaps(width, toWidth);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const [top, bottom, shift] = [rows.low[y] * width, rows.high[y] * width, rows.share[y]];
    for (let x = 0; x < toWidth; x++, at++) {
      const [left, right, share] = [columns.low[x], columns.high[x], columns.share[x]];
      const k = indices[decoded[at]];
      const above = lerp(fits[(top + left) * count + k], fits[(top + right) * count + k], share);
      const below = lerp(
        fits[(bottom + left) * count + k],
        fits[(bottom + right) * count + k],
        share,
      );
      scores[at] = lerp(above, below, shift);
    }
  }
  return scores;
}

/** For each output the two inputs it lies between, and the share of the second. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float32Array;
}

function nearestTaps(inputs: number, outputs: number): Taps {
  const low = nearestIndices(inputs, outputs);
  return { low, high: low, share: new Float32Array(outputs) };
}

function linearTaps(inputs: number, outputs: number): Taps {
  const [low, high, share] = [
    new Int32Array(outputs),
    new Int32Array(outputs),
    new Float32Array(outputs),
  ];
  for (let o = 0; o < outputs; o++) {
    const x = Math.max(((o + 0.5) * inputs) / outputs - 0.5, 0);
    low[o] = Math.min(Math.floor(x), inputs - 1);
    high[o] = Math.min(low[o] + 1, inputs - 1);
    share[o] = x - low[o];
  }
  return { low, high, share };
}
