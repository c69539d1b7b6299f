import { squaredDistance } from '../../colors/color-mapping';
import type { Painting } from '../../colors/decode';
import type { MergedFits, PaintedPass } from './passes';

/** What a label must have to be present in a target. */
export interface PresenceLimits {
  /** Least strength, 0 … 1; see {@link StrengthOf}. */
  readonly minimumScore: number;
  /** Least area in pixels of the target; a sixteenth of one of the model's patches where it is not given. */
  readonly minimumArea: number | undefined;
}

/** By label: its strength, 0 where it fits best nowhere. */
export type Strengths = ReadonlyMap<number, number>;

/**
 * The evidence that a label is in the target at all, 0 … 1.
 *
 * @param inside `(height, width)`, 1 where the label fits best.
 * @param area how many those are, more than none.
 */
export type StrengthOf = (label: number, inside: Uint8Array, area: number) => number;

/**
 * Leaves out labels that the target does not show: those of too little strength, and those on too small an area. Their pixels
 * become background.
 *
 * @param scale pixels of the target to one of the painting.
 * @param patch side of the model's patches, in pixels of the painting.
 */
export function keepPresent(
  fits: MergedFits,
  strengthOf: StrengthOf,
  { minimumScore, minimumArea }: PresenceLimits,
  scale: number,
  patch: number,
): { readonly fits: MergedFits; readonly strengths: Strengths } {
  const strengths = new Map<number, number>();
  const best = bestPlanes(fits);
  let { planes } = fits;
  fits.labels.forEach((label, i) => {
    const inside = Uint8Array.from(best, (each) => (each === i + 1 ? 1 : 0));
    const area = inside.reduce((sum, each) => sum + each, 0);
    const strength = area > 0 ? strengthOf(label, inside, area) : 0;
    strengths.set(label, strength);
    const isLarge =
      minimumArea === undefined ? area >= patch ** 2 / 16 : area * scale >= minimumArea;
    if (area === 0 || (isLarge && strength >= minimumScore)) return;
    planes = withoutLabel(planes, i + 1, inside);
  });
  return { fits: planes === fits.planes ? fits : { ...fits, planes }, strengths };
}

/**
 * How far the painted colour is on the way from black to the label's, on average over the label's pixels. How well a colour fits
 * says which label a pixel has; whether it has any is told better by how strongly it was painted, which has one scale however many
 * labels there are. What was measured: docs/decisions.md.
 */
export function paintedStrength(passes: readonly PaintedPass[]): StrengthOf {
  return (label, inside, area) => {
    const { labels, paintings } = passes.find((pass) => pass.labels.includes(label))!;
    const i = labels.indexOf(label);
    const sum = paintings.reduce((all, painting) => all + strengthSum(painting, i, inside), 0);
    return sum / (area * paintings.length);
  };
}

/** For each pixel which plane is the highest, the first of equals. */
function bestPlanes({ planes, height, width }: MergedFits): Uint8Array {
  const best = new Uint8Array(height * width);
  for (let i = 0; i < best.length; i++)
    for (let k = 1; k < planes.length; k++) if (planes[k][i] > planes[best[i]][i]) best[i] = k;
  return best;
}

/** Sum of the strength of a mapping's colour `i` over pixels. */
function strengthSum({ data, mapping }: Painting, i: number, inside: Uint8Array): number {
  const color = mapping.colors[i];
  const length = squaredDistance(color, [0, 0, 0]);
  let sum = 0;
  for (let p = 0; p < inside.length; p++) {
    if (!inside[p]) continue;
    const along = data[p * 3] * color[0] + data[p * 3 + 1] * color[1] + data[p * 3 + 2] * color[2];
    sum += Math.min(1, Math.max(0, along / length));
  }
  return sum;
}

/** Planes in which one fits nowhere, and the background has what it had where it was best. */
function withoutLabel(
  planes: readonly Float32Array[],
  k: number,
  inside: Uint8Array,
): Float32Array[] {
  const background = planes[0].map((fit, i) => (inside[i] ? Math.min(1, fit + planes[k][i]) : fit));
  return planes.map((plane, j) =>
    j === 0 ? background : j === k ? new Float32Array(plane.length) : plane,
  );
}
