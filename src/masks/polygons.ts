/**
 * A polygon as COCO has it: `[x0, y0, x1, y1, …]` in pixels, (0, 0) at the top left corner of the first
 * pixel, closed without repeating the first point.
 */
export type Polygon = number[];

/** Corner steps clockwise around the inside: right, down, left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/**
 * The outline of a binary mask along pixel edges, so that filling it gives the mask back. Holes are
 * joined to the outline around them by a cut of no width, since COCO's format has no holes.
 *
 * @param mask `(height, width)` row-major, non-zero inside.
 * @returns one polygon for each region whose pixels touch by sides.
 */
export function maskToPolygons(mask: ArrayLike<number>, height: number, width: number): Polygon[] {
  const { exteriors, holes } = traceRings(mask, height, width);
  holes.sort((a, b) => topLeft(a)[1] - topLeft(b)[1]);
  for (const hole of holes) cutInto(exteriors, hole);
  return exteriors;
}

/**
 * Fills polygons by the even-odd rule, each by itself, sampling pixel centres.
 *
 * @returns `(height, width)` row-major, 0 and 1.
 */
export function polygonsToMask(
  polygons: readonly Polygon[],
  height: number,
  width: number,
): Uint8Array {
  const mask = new Uint8Array(height * width);
  for (const polygon of polygons) {
    for (let y = 0; y < height; y++) {
      const crossings: number[] = [];
      const level = y + 0.5;
      for (let i = 0; i < polygon.length; i += 2) {
        const j = (i + 2) % polygon.length;
        const [x1, y1, x2, y2] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
        if (y1 <= level !== y2 <= level)
          crossings.push(x1 + ((level - y1) / (y2 - y1)) * (x2 - x1));
      }
      crossings.sort((a, b) => a - b);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const start = Math.max(0, Math.ceil(crossings[i] - 0.5));
        const end = Math.min(width, Math.ceil(crossings[i + 1] - 0.5));
        if (end > start) mask.fill(1, y * width + start, y * width + end);
      }
    }
  }
  return mask;
}

/** Follows every boundary once with the inside on the right hand: exteriors run clockwise, holes counter-clockwise. */
function traceRings(mask: ArrayLike<number>, height: number, width: number) {
  const inside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  // A boundary edge is named by the corner it leaves and its direction; inside lies on its right.
  const onRight = (x: number, y: number, direction: number) =>
    [inside(x, y), inside(x - 1, y), inside(x - 1, y - 1), inside(x, y - 1)][direction];
  const onLeft = (x: number, y: number, direction: number) =>
    [inside(x, y - 1), inside(x, y), inside(x - 1, y), inside(x - 1, y - 1)][direction];
  const isEdge = (x: number, y: number, direction: number) =>
    onRight(x, y, direction) && !onLeft(x, y, direction);
  const visited = new Uint8Array((width + 1) * (height + 1)); // horizontal edges to the right and left, by bit
  const exteriors: Polygon[] = [];
  const holes: Polygon[] = [];
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x < width; x++) {
      // Edges to the right are top sides, where exteriors begin; edges to the left are bottom sides.
      for (const direction of [0, 2]) {
        const from = direction === 0 ? x : x + 1;
        if (!isEdge(from, y, direction) || visited[y * (width + 1) + from] & (1 << direction))
          continue;
        const ring = follow(from, y, direction);
        (signedArea(ring) > 0 ? exteriors : holes).push(ring);
      }
    }
  }
  return { exteriors, holes };

  function follow(startX: number, startY: number, startDirection: number): Polygon {
    const ring: Polygon = [];
    let [x, y, direction] = [startX, startY, startDirection];
    do {
      visited[y * (width + 1) + x] |= 1 << direction;
      x += STEPS[direction][0];
      y += STEPS[direction][1];
      // Sharpest right turn first: regions that touch by a corner stay apart.
      const next = [direction + 1, direction, direction + 3]
        .map((d) => d % 4)
        .find((d) => isEdge(x, y, d)) as number;
      if (next !== direction) ring.push(x, y);
      direction = next;
    } while (x !== startX || y !== startY || direction !== startDirection);
    return ring;
  }
}

/** Positive for clockwise rings (y points down). */
function signedArea(ring: Polygon): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 2) {
    const j = (i + 2) % ring.length;
    sum += ring[i] * ring[j + 1] - ring[j] * ring[i + 1];
  }
  return sum / 2;
}

/** The topmost point, of those the leftmost, and where it stands in the ring. */
function topLeft(ring: Polygon): [x: number, y: number, index: number] {
  let best: [number, number, number] = [ring[0], ring[1], 0];
  for (let i = 2; i < ring.length; i += 2) {
    if (ring[i + 1] < best[1] || (ring[i + 1] === best[1] && ring[i] < best[0]))
      best = [ring[i], ring[i + 1], i];
  }
  return best;
}

/** Joins a hole to the ring above it by a vertical cut from its topmost point. */
function cutInto(exteriors: Polygon[], hole: Polygon): void {
  const [x, y, index] = topLeft(hole);
  let best = { ring: -1, edge: 0, level: -1 };
  exteriors.forEach((ring, r) => {
    for (let i = 0; i < ring.length; i += 2) {
      const j = (i + 2) % ring.length;
      const [x1, y1, x2, y2] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
      // The pixel right of the cut decides which ring encloses the hole.
      const above = y1 === y2 && y1 < y && Math.min(x1, x2) <= x && Math.max(x1, x2) > x;
      if (above && y1 > best.level) best = { ring: r, edge: i, level: y1 };
    }
  });
  const turned = [...hole.slice(index), ...hole.slice(0, index), x, y];
  exteriors[best.ring].splice(best.edge + 2, 0, x, best.level, ...turned, x, best.level);
}
