import { InvalidInputError } from '../base/errors';
import { keptPoints } from './simplify-ring';
import { type Joint, type Outlines, traceOutlines } from './trace-rings';

/**
 * A polygon as COCO has it: `[x0, y0, x1, y1, …]` in pixels, (0, 0) at the top left corner of the first
 * pixel, closed without repeating the first point.
 */
export type Polygon = number[];

/** How outlines are made. */
export interface PolygonOptions {
  /**
   * Leave out points as long as the outline moves by no more than this, in pixels (Douglas and Peucker). Filling a simplified
   * outline no longer gives the mask back; every region and hole keeps three points at least.
   * @default 0, every corner is kept
   */
  readonly tolerance?: number;
}

/**
 * The outline of a binary mask along pixel edges, so that filling it gives the mask back. Holes are
 * joined to the outline around them by a cut of no width, since COCO's format has no holes.
 *
 * @param mask `(height, width)` row-major, non-zero inside.
 * @returns one polygon for each region whose pixels touch by sides.
 * @throws InvalidInputError for a tolerance below 0.
 */
export function maskToPolygons(
  mask: ArrayLike<number>,
  height: number,
  width: number,
  options: PolygonOptions = {},
): Polygon[] {
  const outlines = outlinesOf(mask, height, width, options);
  return outlines.exteriors.map((exterior) => withHoles(exterior, outlines));
}

/**
 * The same outlines with holes as rings of their own, as GeoJSON has them.
 *
 * @param mask `(height, width)` row-major, non-zero inside.
 * @returns for each region its exterior, then its holes. Seen with y pointing down, exteriors run clockwise and holes
 *   counter-clockwise.
 * @throws InvalidInputError for a tolerance below 0.
 */
export function maskToRings(
  mask: ArrayLike<number>,
  height: number,
  width: number,
  options: PolygonOptions = {},
): Polygon[][] {
  const { rings, exteriors, joints } = outlinesOf(mask, height, width, options);
  return exteriors.map((exterior) => {
    const region = [exterior];
    for (let i = 0; i < region.length; i++)
      for (const { hole } of joints[region[i]]) region.push(hole);
    return region.map((ring) => rings[ring]);
  });
}

function outlinesOf(
  mask: ArrayLike<number>,
  height: number,
  width: number,
  { tolerance = 0 }: PolygonOptions,
): Outlines {
  if (!(tolerance >= 0))
    throw new InvalidInputError(
      'tolerance',
      `must be a distance in pixels of 0 or more, is ${String(tolerance)}.`,
    );
  const outlines = traceOutlines(mask, height, width);
  return tolerance === 0 ? outlines : simplified(outlines, tolerance);
}

/** Holes hang on points that stay: a point of the cut alone would bend the outline back to where it was. */
function simplified({ rings, exteriors, joints }: Outlines, tolerance: number): Outlines {
  const kept = rings.map((ring) => keptPoints(ring, tolerance));
  const places = kept.map((points, i) => placesOf(points, rings[i].length / 2));
  return {
    rings: rings.map((ring, i) =>
      kept[i].flatMap((point) => [ring[point * 2], ring[point * 2 + 1]]),
    ),
    exteriors,
    joints: joints.map((all, i) =>
      all.map(({ hole, start, edge: before }) => {
        const edge = places[i][before];
        const at = kept[i][edge] * 2;
        return { hole, start: places[hole][start], edge, x: rings[i][at], y: rings[i][at + 1] };
      }),
    ),
  };
}

/** For each point of a ring which of those kept is the last at or before it. The first is always kept. */
function placesOf(kept: readonly number[], points: number): number[] {
  const places = new Array<number>(points);
  for (let place = 0; place < kept.length; place++)
    places.fill(place, kept[place], kept[place + 1] ?? points);
  return places;
}

/**
 * Goes along an exterior, and at each joint down the cut, around the hole and back up. Holes may hang on holes to any depth,
 * so the rings that are under way wait in a list.
 */
function withHoles(exterior: number, { rings, joints }: Outlines): Polygon {
  const polygon: Polygon = [];
  const underWay = [walk(exterior, 0)];
  for (let current = underWay.at(-1); current; current = underWay.at(-1)) {
    const joint = current.next().value;
    if (joint) underWay.push(walk(joint.hole, joint.start, joint));
    else underWay.pop();
  }
  // Where the last cut ends at the first point it is not repeated.
  if (polygon[0] === polygon.at(-2) && polygon[1] === polygon.at(-1)) polygon.length -= 2;
  return polygon;

  /** Writes a ring's points from `start` on, and stops at each joint. */
  function* walk(number: number, start: number, cut?: Joint): Generator<Joint, undefined> {
    const [ring, hanging] = [rings[number], joints[number]];
    const points = ring.length / 2;
    const first = hanging.findIndex(({ edge }) => edge >= start);
    let next = Math.max(0, first);
    if (cut) place(cut.x, cut.y);
    for (let i = 0; i < points; i++) {
      const point = (start + i) % points;
      place(ring[point * 2], ring[point * 2 + 1]);
      for (; hanging[next]?.edge === point; next++) yield hanging[next];
      if (point === points - 1) next = 0;
    }
    if (!cut) return;
    place(ring[start * 2], ring[start * 2 + 1]);
    place(cut.x, cut.y);
  }

  /** A cut that begins at the point written last does not repeat it. */
  function place(x: number, y: number): void {
    if (polygon.at(-2) !== x || polygon.at(-1) !== y) polygon.push(x, y);
  }
}
