/** Distances inside a mask. */

const FAR = 1e12;

/**
 * Squared Euclidean distance of each pixel inside to the nearest outside, what lies beyond the edges counting as outside
 * (Felzenszwalb and Huttenlocher 2012, "Distance Transforms of Sampled Functions"); 0 outside.
 *
 * @param inside `(height, width)`, non-zero inside.
 */
export function squaredDistances(inside: Uint8Array, width: number, height: number): Float64Array {
  // With a border of outside all round.
  const [w, h] = [width + 2, height + 2];
  const grid = new Float64Array(w * h);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (inside[y * width + x]) grid[(y + 1) * w + x + 1] = FAR;
  const longest = Math.max(w, h);
  const line = new Float64Array(longest);
  const out = new Float64Array(longest);
  const vertices = new Int32Array(longest);
  const bounds = new Float64Array(longest + 1);
  const pass = (start: number, step: number, count: number) => {
    for (let i = 0; i < count; i++) line[i] = grid[start + i * step];
    lowerEnvelope(line, out, count, vertices, bounds);
    for (let i = 0; i < count; i++) grid[start + i * step] = out[i];
  };
  for (let x = 0; x < w; x++) pass(x, w, h);
  for (let y = 0; y < h; y++) pass(y * w, 1, w);
  const result = new Float64Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) result[y * width + x] = grid[(y + 1) * w + x + 1];
  return result;
}

/** Of parabolas at every place, as high as `values`, the lowest at each place. */
function lowerEnvelope(
  values: Float64Array,
  out: Float64Array,
  count: number,
  vertices: Int32Array,
  bounds: Float64Array,
): void {
  let last = 0;
  vertices[0] = 0;
  bounds[0] = -Infinity;
  bounds[1] = Infinity;
  for (let q = 1; q < count; q++) {
    const meets = () => {
      const v = vertices[last];
      return (values[q] + q * q - values[v] - v * v) / (2 * (q - v));
    };
    let at = meets();
    while (at <= bounds[last]) {
      last--;
      at = meets();
    }
    vertices[++last] = q;
    bounds[last] = at;
    bounds[last + 1] = Infinity;
  }
  for (let q = 0, k = 0; q < count; q++) {
    while (bounds[k + 1] < q) k++;
    out[q] = (q - vertices[k]) ** 2 + values[vertices[k]];
  }
}

/** The pixel inside that is farthest from outside, the first of equals row by row. */
export function innermost(
  inside: Uint8Array,
  width: number,
  height: number,
): { readonly x: number; readonly y: number; readonly distance: number } {
  const distances = squaredDistances(inside, width, height);
  let best = 0;
  for (let i = 1; i < distances.length; i++) if (distances[i] > distances[best]) best = i;
  return { x: best % width, y: Math.floor(best / width), distance: Math.sqrt(distances[best]) };
}
