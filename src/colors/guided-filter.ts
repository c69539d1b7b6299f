/**
 * The guided filter (He, Sun & Tang 2013, section 3.4, colour guide): in every window each plane is fitted by a linear
 * function of the guide's colours, and each pixel gets the mean of what the windows over it say. A plane keeps its level in
 * flat places and takes the picture's edges for its own. It is linear, so planes that sum to 1 still do.
 *
 * @param guide `(height, width, 3)` RGB, 0 … 255.
 * @param planes `(height, width)` each.
 * @param radius of the square windows, in pixels; `2 * radius + 1` is their side.
 * @param epsilon what counts as flat: variances of the guide's colours (0 … 1) well below it.
 * @returns new planes, with values that may leave 0 … 1 a little.
 */
export function guidedFilter(
  guide: ArrayLike<number>,
  planes: readonly Float32Array[],
  [height, width]: readonly [height: number, width: number],
  radius: number,
  epsilon: number,
): Float32Array[] {
  const size = height * width;
  const mean = boxMean(height, width, radius);
  const channels = [0, 1, 2].map((c) =>
    Float32Array.from({ length: size }, (_, i) => guide[i * 3 + c] / 255),
  );
  const means = channels.map(mean);
  const inverse = inverseCovariances(channels, means, mean, epsilon);
  return planes.map((plane) => {
    const level = mean(plane);
    const covariances = channels.map((channel, c) => {
      const both = mean(product(channel, plane));
      for (let i = 0; i < size; i++) both[i] -= means[c][i] * level[i];
      return both;
    });
    // Slopes for each colour and the offset of every window's linear function, then their means over windows.
    const slopes = ORDER.map(([first, second, third]) => {
      const [a, b, c] = [inverse[first], inverse[second], inverse[third]];
      const [r, g, blue] = covariances;
      const slope = new Float32Array(size);
      for (let i = 0; i < size; i++) slope[i] = a[i] * r[i] + b[i] * g[i] + c[i] * blue[i];
      return slope;
    });
    slopes.forEach((slope, c) => {
      const center = means[c];
      for (let i = 0; i < size; i++) level[i] -= slope[i] * center[i];
    });
    const result = mean(level);
    slopes.map(mean).forEach((slope, c) => {
      const channel = channels[c];
      for (let i = 0; i < size; i++) result[i] += slope[i] * channel[i];
    });
    return result;
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
function boxMean(height: number, width: number, radius: number) {
  const rows = new Float64Array(height * width);
  return (plane: Float32Array): Float32Array => {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      const at = y * width;
      for (let x = -radius; x < width; x++) {
        if (x + radius < width) sum += plane[at + x + radius];
        if (x - radius - 1 >= 0) sum -= plane[at + x - radius - 1];
        if (x >= 0)
          rows[at + x] = sum / (Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1);
      }
    }
    const result = new Float32Array(height * width);
    const sums = new Float64Array(width);
    for (let y = -radius; y < height; y++) {
      const [enters, leaves] = [y + radius, y - radius - 1];
      if (enters < height) for (let x = 0; x < width; x++) sums[x] += rows[enters * width + x];
      if (leaves >= 0) for (let x = 0; x < width; x++) sums[x] -= rows[leaves * width + x];
      if (y < 0) continue;
      const count = Math.min(y + radius, height - 1) - Math.max(y - radius, 0) + 1;
      for (let x = 0; x < width; x++) result[y * width + x] = sums[x] / count;
    }
    return result;
  };
}
