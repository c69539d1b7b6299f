/** A filter that one guide is prepared for: `(height, width)` in, a new plane out, whose values may leave 0 … 1 a little. */
export type PlaneFilter = (plane: Float32Array) => Float32Array;

/**
 * The guided filter (He, Sun & Tang 2013, section 3.4, colour guide): in every window a plane is fitted by a linear
 * function of the guide's colours, and each pixel gets the mean of what the windows over it say. A plane keeps its level in
 * flat places and takes the picture's edges for its own. It is linear, so planes that sum to 1 still do.
 *
 * @param guide `(height, width, 3)` RGB, 0 … 255.
 * @param radius of the square windows, in pixels; `2 * radius + 1` is their side.
 * @param epsilon what counts as flat: variances of the guide's colours (0 … 1) well below it.
 */
export function guidedFilter(
  guide: ArrayLike<number>,
  [height, width]: readonly [height: number, width: number],
  radius: number,
  epsilon: number,
): PlaneFilter {
  const size = height * width;
  const mean = boxMean(height, width, radius);
  const channels = splitChannels(guide, size);
  const means = channels.map(mean);
  const inverse = inverseCovariances(channels, means, mean, epsilon);
  return (plane) => {
    const level = mean(plane);
    const [r, g, b] = channels.map((channel, c) => {
      const both = mean(product(channel, plane));
      const center = means[c];
      for (let i = 0; i < size; i++) both[i] -= center[i] * level[i];
      return both;
    });
    // Slopes for each colour and the offset of every window's linear function, then their means over windows.
    const slopes = ORDER.map((entries, c) => {
      const [ofR, ofG, ofB] = entries.map((entry) => inverse[entry]);
      const center = means[c];
      const slope = new Float32Array(size);
      for (let i = 0; i < size; i++) slope[i] = ofR[i] * r[i] + ofG[i] * g[i] + ofB[i] * b[i];
      for (let i = 0; i < size; i++) level[i] -= slope[i] * center[i];
      return slope;
    });
    const result = mean(level);
    slopes.map(mean).forEach((slope, c) => {
      const channel = channels[c];
      for (let i = 0; i < size; i++) result[i] += slope[i] * channel[i];
    });
    return result;
  };
}

/** Three planes of 0 … 1. */
function splitChannels(guide: ArrayLike<number>, size: number): Float32Array[] {
  return [0, 1, 2].map((c) => {
    const channel = new Float32Array(size);
    for (let i = 0, at = c; i < size; i++, at += 3) channel[i] = guide[at] / 255;
    return channel;
  });
}

/** Where each entry of a symmetric 3 x 3 matrix lies among its six. */
const ORDER = [
  [0, 1, 2],
  [1, 3, 4],
  [2, 4, 5],
] as const;

/** Six planes: the inverse of each window's covariance of colours, `epsilon` added to its diagonal. */
function inverseCovariances(
  channels: readonly Float32Array[],
  means: readonly Float32Array[],
  mean: (plane: Float32Array) => Float32Array,
  epsilon: number,
): Float32Array[] {
  const pairs = [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
    [2, 2],
  ] as const;
  const planes = pairs.map(([a, b]) => {
    const covariance = mean(product(channels[a], channels[b]));
    const added = a === b ? epsilon : 0;
    for (let i = 0; i < covariance.length; i++) covariance[i] += added - means[a][i] * means[b][i];
    return covariance;
  });
  const [rr, rg, rb, gg, gb, bb] = planes;
  for (let i = 0; i < rr.length; i++) {
    const [a, b, c, d, e, f] = [rr[i], rg[i], rb[i], gg[i], gb[i], bb[i]];
    const [A, B, C] = [d * f - e * e, c * e - b * f, b * e - c * d];
    const scale = 1 / (a * A + b * B + c * C);
    rr[i] = A * scale;
    rg[i] = B * scale;
    rb[i] = C * scale;
    gg[i] = (a * f - c * c) * scale;
    gb[i] = (b * c - a * e) * scale;
    bb[i] = (a * d - b * b) * scale;
  }
  return planes;
}

function product(a: Float32Array, b: Float32Array): Float32Array {
  const result = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i] * b[i];
  return result;
}

/** Means over square windows, cut off at the edges, in time that does not depend on the radius. */
function boxMean(height: number, width: number, radius: number): PlaneFilter {
  const across = windows(width, radius);
  const down = windows(height, radius);
  const rows = new Float64Array(height * width);
  const running = new Float64Array(width + 1); // sums of a row up to each column
  const sums = new Float64Array(width); // of the rows in the window
  const addRow = (y: number, sign: 1 | -1) => {
    for (let x = 0, at = y * width; x < width; x++, at++) sums[x] += sign * rows[at];
  };
  return (plane) => {
    for (let y = 0, at = 0; y < height; y++, at += width) {
      for (let x = 0; x < width; x++) running[x + 1] = running[x] + plane[at + x];
      for (let x = 0; x < width; x++)
        rows[at + x] = (running[across.end[x]] - running[across.start[x]]) * across.share[x];
    }
    const result = new Float32Array(height * width);
    sums.fill(0);
    let [first, next] = [0, 0]; // rows in the window
    for (let y = 0; y < height; y++) {
      while (next < down.end[y]) addRow(next++, 1);
      while (first < down.start[y]) addRow(first++, -1);
      const share = down.share[y];
      for (let x = 0, at = y * width; x < width; x++, at++) result[at] = sums[x] * share;
    }
    return result;
  };
}

/** For every place along a side the window around it: from `start` up to `end`, and what one place is of it. */
function windows(length: number, radius: number) {
  const start = new Int32Array(length);
  const end = new Int32Array(length);
  const share = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    start[i] = Math.max(0, i - radius);
    end[i] = Math.min(length, i + radius + 1);
    share[i] = 1 / (end[i] - start[i]);
  }
  return { start, end, share };
}
