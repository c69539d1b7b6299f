/** A closed line `[x0, y0, x1, y1, …]` along pixel edges, with a point at each of its corners. */
export type Ring = number[];

/** A hole, and where it is joined to the ring above it. */
export interface Joint {
  /** The hole's number among {@link Outlines.rings}. */
  readonly hole: number;
  /** Which of the hole's points is its topmost, of those the leftmost. */
  readonly start: number;
  /** The edge that is met straight above that point: it leaves this point of the ring. */
  readonly edge: number;
  /** Where it is met. */
  readonly x: number;
  readonly y: number;
}

export interface Outlines {
  /** Exteriors run clockwise (y points down), holes counter-clockwise. */
  readonly rings: readonly Ring[];
  /** The numbers of exteriors, in the order of their top sides. */
  readonly exteriors: readonly number[];
  /** For each ring the holes that hang on it, in the order in which it passes them. */
  readonly joints: readonly (readonly Joint[])[];
}

/** Right, down, left, up: clockwise around the inside. */
const STEP_X = [1, 0, -1, 0];
const STEP_Y = [0, 1, 0, -1];

/**
 * Follows every boundary of a binary mask once, and finds what each hole lies in. Time is linear in pixels, however many
 * holes there are: straight above a hole's topmost point there is inside up to an edge, and no two holes share such a way.
 *
 * @param mask `(height, width)` row-major, non-zero inside.
 */
export function traceOutlines(mask: ArrayLike<number>, height: number, width: number): Outlines {
  const corners = width + 1;
  // A border of outside all around, so that no neighbour has to be looked for beyond an end.
  const stride = width + 2;
  const padded = new Uint8Array(stride * (height + 2));
  for (let y = 0, from = 0; y < height; y++)
    for (let x = 0, to = (y + 1) * stride + 1; x < width; x++, from++, to++)
      padded[to] = mask[from] === 0 ? 0 : 1;
  /** The pixel whose top left corner (x, y) is. */
  const pixel = (x: number, y: number) => (y + 1) * stride + x + 1;
  // From that pixel to the one on the right, and on the left, of an edge that leaves the corner in each direction.
  const right = [0, -1, -stride - 1, -stride];
  const left = [-stride, 0, -1, -stride - 1];

  /** By corner: bits 0 and 2 for edges to the right and left that were followed, bit 1 where a hole hangs to the right. */
  const marks = new Uint8Array(corners * (height + 1));
  const HANGS = 2;
  const rings: Ring[] = [];
  const exteriors: number[] = [];
  const holes: number[] = [];
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x < width; x++) {
      const below = padded[pixel(x, y)];
      if (below === padded[pixel(x, y - 1)]) continue;
      // Edges to the right are top sides, where exteriors begin; edges to the left are bottom sides, where holes do.
      const direction = below ? 0 : 2;
      const from = below ? x : x + 1;
      if (marks[y * corners + from] & (1 << direction)) continue;
      const ring = follow(from, y, direction);
      (signedArea(ring) > 0 ? exteriors : holes).push(rings.length);
      rings.push(ring);
    }
  }
  return { rings, exteriors, joints: join() };

  function follow(startX: number, startY: number, startDirection: number): Ring {
    const ring: Ring = [];
    let [x, y, direction] = [startX, startY, startDirection];
    do {
      if (!(direction & 1)) marks[y * corners + x] |= 1 << direction;
      x += STEP_X[direction];
      y += STEP_Y[direction];
      // Sharpest right turn first: regions that touch by a corner stay apart.
      const at = pixel(x, y);
      let next = (direction + 1) & 3;
      while (!padded[at + right[next]] || padded[at + left[next]]) next = (next + 3) & 3;
      if (next !== direction) ring.push(x, y);
      direction = next;
    } while (x !== startX || y !== startY || direction !== startDirection);
    return ring;
  }

  /** Looks up from each hole for the edge above it, then goes around all rings for the edges that were met. */
  function join(): Joint[][] {
    const hanging = new Map<number, { hole: number; start: number }>();
    for (const hole of holes) {
      const start = topLeft(rings[hole]);
      const [x, top] = [rings[hole][start * 2], rings[hole][start * 2 + 1]];
      let y = top;
      while (padded[pixel(x, y - 1)]) y--;
      marks[y * corners + x] |= HANGS;
      hanging.set(y * corners + x, { hole, start });
    }
    return rings.map((ring) => {
      const joints: Joint[] = [];
      const points = ring.length / 2;
      for (let edge = 0; edge < points && hanging.size > 0; edge++) {
        const next = (edge + 1) % points;
        const [from, y, to] = [ring[edge * 2], ring[edge * 2 + 1], ring[next * 2]];
        if (y !== ring[next * 2 + 1]) continue;
        const step = from < to ? 1 : -1;
        // The pixel column that an edge passes is named by its left corner.
        for (let x = step > 0 ? from : from - 1; step > 0 ? x < to : x >= to; x += step) {
          if (!(marks[y * corners + x] & HANGS)) continue;
          const found = hanging.get(y * corners + x)!;
          joints.push({ ...found, edge, x, y });
        }
      }
      return joints;
    });
  }
}

/** Positive for clockwise rings (y points down). */
function signedArea(ring: Ring): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 2) {
    const j = (i + 2) % ring.length;
    sum += ring[i] * ring[j + 1] - ring[j] * ring[i + 1];
  }
  return sum / 2;
}

/** Which point is the topmost, of those the leftmost. */
function topLeft(ring: Ring): number {
  let best = 0;
  for (let i = 2; i < ring.length; i += 2)
    if (ring[i + 1] < ring[best + 1] || (ring[i + 1] === ring[best + 1] && ring[i] < ring[best]))
      best = i;
  return best / 2;
}
