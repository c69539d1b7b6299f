/**
 * Resizing as Pillow does it (`Resample.c`, `Geometry.c`), which the official SegGPT code uses: exact
 * parity matters because the model sees these very pixels.
 */

/** Fractional bits of a filter coefficient, as in Pillow's 8-bit path. */
const PRECISION = 22;
const ONE = 2 ** PRECISION;
const HALF = 2 ** (PRECISION - 1);

interface Filter {
  /** For each output: its first input. */
  readonly first: Int32Array;
  /** For each output: how many inputs it reads. */
  readonly count: Int32Array;
  /** `outputs * taps` fixed-point coefficients. */
  readonly coefficients: Int32Array;
  readonly taps: number;
}

/** Cubic convolution (Keys 1981) with a = -0.5. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return ((-0.5 * t + 2.5) * t - 4) * t + 2;
  return 0;
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** What is weighed by distance, in pixels, up to `support`. */
interface Kernel {
  readonly weigh: (x: number) => number;
  readonly support: number;
}
const BICUBIC: Kernel = { weigh: cubic, support: 2 };
const BILINEAR: Kernel = { weigh: triangle, support: 1 };

/** Antialiased coefficients of one axis: the kernel widens with the scale when shrinking. */
function filterOf(kernel: Kernel, inputs: number, outputs: number): Filter {
  const scale = inputs / outputs;
  const widening = Math.max(scale, 1);
  const support = kernel.support * widening;
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const coefficients = new Int32Array(outputs * taps);
  const weights = new Float64Array(taps);
  for (let o = 0; o < outputs; o++) {
    const centre = (o + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const length = Math.min(Math.trunc(centre + support + 0.5), inputs) - start;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      weights[i] = kernel.weigh((i + start - centre + 0.5) / widening);
      sum += weights[i];
    }
    for (let i = 0; i < length; i++) {
      const weight = (weights[i] / sum) * ONE;
      coefficients[o * taps + i] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[o] = start;
    count[o] = length;
  }
  return { first, count, coefficients, taps };
}

/** A fixed-point sum as a level. */
function clip(sum: number): number {
  const value = sum >> PRECISION;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Extents of pixels, row-major. */
export type Extents = readonly [height: number, width: number, channels: number];

/**
 * Resizes interleaved 8-bit pixels with Pillow's antialiased bicubic filter.
 *
 * Sums are 32-bit integers, as Pillow's are: coefficients add up to 2^22, lobes to less than half as much again.
 *
 * @param data `(height, width, channels)` row-major, 8-bit.
 * @returns `(toHeight, toWidth, channels)`, equal to Pillow's to within 1 level.
 */
export function resizeBicubic(
  data: ArrayLike<number>,
  from: Extents,
  to: readonly [height: number, width: number],
): Uint8Array {
  return resample(data, from, to, BICUBIC);
}

/** {@link resizeBicubic} with Pillow's antialiased bilinear filter, which SAM's pictures go through. */
export function resizeBilinear(
  data: ArrayLike<number>,
  from: Extents,
  to: readonly [height: number, width: number],
): Uint8Array {
  return resample(data, from, to, BILINEAR);
}

function resample(
  data: ArrayLike<number>,
  [height, width, channels]: Extents,
  [toHeight, toWidth]: readonly [height: number, width: number],
  kernel: Kernel,
): Uint8Array {
  const bytes = data instanceof Uint8Array ? data : Uint8Array.from(data);
  if (height === toHeight && width === toWidth) return bytes.slice();
  const columns = filterOf(kernel, width, toWidth);
  const across =
    width === toWidth
      ? bytes
      : channels === 3
        ? resampleRgbRows(bytes, height, width, toWidth, columns)
        : resampleRows(bytes, height, width, channels, toWidth, columns);
  return height === toHeight
    ? across
    : resampleColumns(across, toWidth * channels, toHeight, filterOf(kernel, height, toHeight));
}

function resampleRows(
  data: Uint8Array,
  height: number,
  width: number,
  channels: number,
  outputs: number,
  { first, count, coefficients, taps }: Filter,
): Uint8Array {
  const result = new Uint8Array(height * outputs * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let o = 0; o < outputs; o++) {
      const from = (y * width + first[o]) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        for (let i = 0, at = from + c; i < count[o]; i++, at += channels)
          sum = (sum + Math.imul(data[at], coefficients[o * taps + i])) | 0;
        result[to++] = clip(sum);
      }
    }
  }
  return result;
}

/** {@link resampleRows} for three channels, which share each coefficient: most of what a large picture costs. */
function resampleRgbRows(
  data: Uint8Array,
  height: number,
  width: number,
  outputs: number,
  { first, count, coefficients, taps }: Filter,
): Uint8Array {
  const result = new Uint8Array(height * outputs * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let o = 0; o < outputs; o++) {
      let at = (y * width + first[o]) * 3;
      let [red, green, blue] = [HALF, HALF, HALF];
      const start = o * taps;
      const end = start + count[o];
      for (let i = start; i < end; i++) {
        const weight = coefficients[i];
        red = (red + Math.imul(data[at], weight)) | 0;
        green = (green + Math.imul(data[at + 1], weight)) | 0;
        blue = (blue + Math.imul(data[at + 2], weight)) | 0;
        at += 3;
      }
      result[to] = clip(red);
      result[to + 1] = clip(green);
      result[to + 2] = clip(blue);
      to += 3;
    }
  }
  return result;
}

function resampleColumns(
  data: Uint8Array,
  stride: number,
  outputs: number,
  { first, count, coefficients, taps }: Filter,
): Uint8Array {
  const result = new Uint8Array(outputs * stride);
  const sums = new Int32Array(stride);
  for (let o = 0; o < outputs; o++) {
    sums.fill(HALF);
    for (let i = 0; i < count[o]; i++) {
      const weight = coefficients[o * taps + i];
      const from = (first[o] + i) * stride;
      for (let x = 0; x < stride; x++) sums[x] += Math.imul(data[from + x], weight);
    }
    for (let x = 0; x < stride; x++) result[o * stride + x] = clip(sums[x]);
  }
  return result;
}

/** For each output the input that Pillow's nearest filter reads (`ImagingScaleAffine`). */
export function nearestIndices(inputs: number, outputs: number): Int32Array {
  const step = inputs / outputs;
  const indices = new Int32Array(outputs);
  // Pillow adds the step up, and so must this, to round alike.
  for (let o = 0, at = step * 0.5; o < outputs; o++, at += step)
    indices[o] = Math.min(Math.trunc(at), inputs - 1);
  return indices;
}

/**
 * Resizes interleaved pixels or labels by taking the nearest, exactly as Pillow does.
 *
 * @param data `(height, width, channels)` row-major.
 * @param indices which input each output is. @default Pillow's nearest
 * @returns `(toHeight, toWidth, channels)` of the same array type.
 */
export function resizeNearest<Data extends Uint8Array | Float32Array>(
  data: Data,
  [height, width, channels]: readonly [height: number, width: number, channels: number],
  [toHeight, toWidth]: readonly [height: number, width: number],
  indices: (inputs: number, outputs: number) => Int32Array = nearestIndices,
): Data {
  const rows = indices(height, toHeight);
  const columns = indices(width, toWidth);
  const result = new (data.constructor as new (length: number) => Data)(
    toHeight * toWidth * channels,
  );
  let to = 0;
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const from = (rows[y] * width + columns[x]) * channels;
      for (let c = 0; c < channels; c++) result[to++] = data[from + c];
    }
  }
  return result;
}

/**
 * Resizes by taking the nearest as PyTorch's `interpolate` does, by which the official code brings paintings to the target's
 * size: positions are rounded down from the pixels' edges, not their centres.
 */
export function resizeAsTorch(
  data: Uint8Array,
  from: readonly [height: number, width: number, channels: number],
  to: readonly [height: number, width: number],
): Uint8Array {
  return resizeNearest(data, from, to, (inputs, outputs) => {
    const scale = Math.fround(inputs / outputs);
    return Int32Array.from({ length: outputs }, (_, o) =>
      Math.min(Math.floor(Math.fround(o * scale)), inputs - 1),
    );
  });
}
