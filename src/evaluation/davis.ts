/**
 * The DAVIS 2017 measures for one object (Pont-Tuset et al. 2017, arXiv:1704.00675; Perazzi et al. 2016):
 * region similarity J, boundary accuracy F, and their mean, recall and decay over a sequence.
 *
 * Masks are `(height, width)` row-major, non-zero inside. `ignore` marks pixels that do not count.
 */

/** Intersection over union of two masks; 1 where both are empty. */
export function regionSimilarity(
  found: Uint8Array,
  truth: Uint8Array,
  ignore?: Uint8Array,
): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < truth.length; i++) {
    if (ignore?.[i]) continue;
    if (found[i] && truth[i]) both++;
    if (found[i] || truth[i]) either++;
  }
  return either === 0 ? 1 : both / either;
}

/**
 * F-measure of the boundaries: a boundary pixel matches if the other boundary is no farther than 0.008 of
 * the picture's diagonal, rounded up.
 */
export function boundaryAccuracy(
  found: Uint8Array,
  truth: Uint8Array,
  width: number,
  height: number,
  ignore?: Uint8Array,
): number {
  const clean = (mask: Uint8Array) =>
    ignore ? mask.map((inside, i) => (ignore[i] ? 0 : inside)) : mask;
  const foundEdge = boundary(clean(found), width, height);
  const truthEdge = boundary(clean(truth), width, height);
  const radius = Math.ceil(0.008 * Math.hypot(width, height));
  const count = (mask: Uint8Array) => mask.reduce((sum, inside) => sum + inside, 0);
  const [foundCount, truthCount] = [count(foundEdge), count(truthEdge)];
  if (foundCount === 0 && truthCount === 0) return 1;
  if (foundCount === 0 || truthCount === 0) return 0;
  const precision = matches(foundEdge, dilate(truthEdge, width, height, radius)) / foundCount;
  const recall = matches(truthEdge, dilate(foundEdge, width, height, radius)) / truthCount;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/** Boundary pixels: those that differ from their right, lower or lower right neighbour (`seg2bmap`). */
export function boundary(mask: Uint8Array, width: number, height: number): Uint8Array {
  const edge = new Uint8Array(mask.length);
  const at = (x: number, y: number) => (mask[y * width + x] ? 1 : 0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = at(x, y);
      const right = x + 1 < width && here !== at(x + 1, y);
      const below = y + 1 < height && here !== at(x, y + 1);
      const across = x + 1 < width && y + 1 < height && here !== at(x + 1, y + 1);
      if (right || below || across) edge[y * width + x] = 1;
    }
  }
  return edge;
}

function dilate(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  const result = new Uint8Array(mask.length);
  // Half widths of the rows of a disc.
  const reach = Array.from({ length: radius + 1 }, (_, dy) =>
    Math.floor(Math.sqrt(radius * radius - dy * dy)),
  );
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
      const dx = reach[Math.abs(row - y)];
      result.fill(1, row * width + Math.max(0, x - dx), row * width + Math.min(width, x + dx + 1));
    }
  }
  return result;
}

function matches(edge: Uint8Array, near: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < edge.length; i++) if (edge[i] && near[i]) count++;
  return count;
}

/** A measure over the frames of a sequence, as DAVIS sums it up. */
export interface SequenceStatistics {
  /** Mean over frames. */
  readonly mean: number;
  /** Share of frames above one half. */
  readonly recall: number;
  /** Mean of the first quarter less mean of the last. */
  readonly decay: number;
}

/** Mean, recall and decay of a measure over the frames of a sequence (`db_statistics`). */
export function sequenceStatistics(values: readonly number[]): SequenceStatistics {
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  // Quarters share their border frames, and borders are rounded half up.
  const border = (quarter: number) =>
    Math.round(1 + (quarter * (values.length - 1)) / 4 + 1e-10) - 1;
  const part = (quarter: number) => values.slice(border(quarter), border(quarter + 1) + 1);
  return {
    mean: mean(values),
    recall: mean(values.map((value) => (value > 0.5 ? 1 : 0))),
    decay: mean(part(0)) - mean(part(3)),
  };
}
