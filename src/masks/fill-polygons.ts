import type { Polygon } from './polygons';

/**
 * Fills polygons by the even-odd rule, each by itself, sampling pixel centres. What lies outside of the picture is cut off.
 *
 * @returns `(height, width)` row-major, 0 and 1.
 */
export function polygonsToMask(
  polygons: readonly Polygon[],
  height: number,
  width: number,
): Uint8Array {
  const mask = new Uint8Array(height * width);
  for (const polygon of polygons) fill(polygon, mask, height, width);
  return mask;
}

/** Collects where the polygon's sides cross each row of pixel centres, and fills between every two. */
function fill(polygon: Polygon, mask: Uint8Array, height: number, width: number): void {
  let [lowest, highest] = [Infinity, -Infinity];
  for (let i = 1; i < polygon.length; i += 2) {
    lowest = Math.min(lowest, polygon[i]);
    highest = Math.max(highest, polygon[i]);
  }
  const top = Math.max(0, rowAt(lowest));
  const rows = Math.min(height, rowAt(highest)) - top;
  if (!(rows > 0)) return;

  // First how many crossings a row has, so that all fit into one array, then the crossings.
  const starts = new Uint32Array(rows + 1);
  forEachSide(polygon, top, rows, (_x1, _y1, _x2, _y2, from, to) => {
    for (let row = from; row < to; row++) starts[row + 1]++;
  });
  for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
  const crossings = new Float64Array(starts[rows]);
  const filled = starts.slice();
  forEachSide(polygon, top, rows, (x1, y1, x2, y2, from, to) => {
    for (let row = from; row < to; row++)
      crossings[filled[row]++] = x1 + ((top + row + 0.5 - y1) / (y2 - y1)) * (x2 - x1);
  });
  for (let row = 0; row < rows; row++) {
    const sorted = crossings.subarray(starts[row], starts[row + 1]).sort();
    const line = (top + row) * width;
    for (let i = 0; i + 1 < sorted.length; i += 2) {
      const start = Math.max(0, Math.ceil(sorted[i] - 0.5));
      const end = Math.min(width, Math.ceil(sorted[i + 1] - 0.5));
      if (end > start) mask.fill(1, line + start, line + end);
    }
  }
}

/** The first row whose pixel centres are at or below a height. */
function rowAt(y: number): number {
  return Math.ceil(y - 0.5);
}

/** Every side that crosses rows, with the rows it crosses, counted from the top one. */
function forEachSide(
  polygon: Polygon,
  top: number,
  rows: number,
  visit: (x1: number, y1: number, x2: number, y2: number, from: number, to: number) => void,
): void {
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length;
    const [y1, y2] = [polygon[i + 1], polygon[j + 1]];
    const from = Math.max(0, rowAt(Math.min(y1, y2)) - top);
    const to = Math.min(rows, rowAt(Math.max(y1, y2)) - top);
    if (from < to) visit(polygon[i], y1, polygon[j], y2, from, to);
  }
}
