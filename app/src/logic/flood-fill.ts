import type { LabelRaster } from './label-raster';

/**
 * The pixels that hang together with one, edge to edge, and have the label that it has: 1 inside, `(height, width)`.
 * Row by row, so that its memory is bounded by the region's outline.
 */
export function connectedRegion(
  { data, width, height }: LabelRaster,
  x: number,
  y: number,
): Uint8Array {
  const inside = new Uint8Array(width * height);
  const label = data[y * width + x];
  const waiting = [y * width + x];
  const free = (at: number) => data[at] === label && inside[at] === 0;
  while (waiting.length > 0) {
    const seed = waiting.pop()!;
    if (!free(seed)) continue;
    const row = Math.floor(seed / width) * width;
    let [left, right] = [seed, seed];
    while (left > row && free(left - 1)) left--;
    while (right + 1 < row + width && free(right + 1)) right++;
    inside.fill(1, left, right + 1);
    for (const other of [row - width, row + width]) {
      if (other < 0 || other >= width * height) continue;
      for (let at = left - row + other; at <= right - row + other; at++)
        // One seed for each run of the neighbouring row.
        if (free(at) && (at === left - row + other || !free(at - 1))) waiting.push(at);
    }
  }
  return inside;
}
