import type { Ring } from './trace-rings';

/**
 * Which points of a closed ring a simplification keeps (Douglas and Peucker, "Algorithms for the reduction of the number of
 * points required to represent a digitized line", 1973): no point of the ring is farther from what stays than the tolerance.
 * Three points stay of any ring, so that none vanishes.
 *
 * @param tolerance in pixels.
 * @returns numbers of points, in increasing order.
 */
export function keptPoints(ring: Ring, tolerance: number): number[] {
  const points = ring.length / 2;
  const kept = new Uint8Array(points + 1); // the first point once more at the end, as rings are closed
  const opposite = farthest(ring, 0, points);
  kept[0] = kept[points] = kept[opposite.point] = 1;
  let count = 2;
  // Open pieces wait in a list: a long ring would be too deep for calls.
  const pieces: [number, number][] = [
    [0, opposite.point],
    [opposite.point, points],
  ];
  const passed: { point: number; distance: number }[] = [];
  for (let piece = pieces.pop(); piece; piece = pieces.pop()) {
    const [from, to] = piece;
    if (to - from < 2) continue;
    const found = farthest(ring, from, to);
    if (found.distance > tolerance) {
      kept[found.point] = 1;
      count++;
      pieces.push([from, found.point], [found.point, to]);
    } else passed.push(found);
  }
  if (count < 3) kept[passed.sort((a, b) => b.distance - a.distance)[0].point] = 1;
  return Array.from({ length: points }, (_, i) => i).filter((i) => kept[i]);
}

/** Of the points between two the one farthest from the line piece that joins them. */
function farthest(ring: Ring, from: number, to: number): { point: number; distance: number } {
  const end = to % (ring.length / 2);
  const [x1, y1, x2, y2] = [ring[from * 2], ring[from * 2 + 1], ring[end * 2], ring[end * 2 + 1]];
  const [dx, dy] = [x2 - x1, y2 - y1];
  const squared = dx * dx + dy * dy;
  let best = { point: from + 1, distance: -1 };
  for (let point = from + 1; point < to; point++) {
    const [px, py] = [ring[point * 2] - x1, ring[point * 2 + 1] - y1];
    const along = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
    const distance = Math.hypot(px - along * dx, py - along * dy);
    if (distance > best.distance) best = { point, distance };
  }
  return best;
}
