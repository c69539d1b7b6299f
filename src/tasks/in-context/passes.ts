import { type Color, type ColorMapping, mapColors } from '../../colors/color-mapping';
import { colorFits, type Painting } from '../../colors/decode';
import type { ResolvedOptions } from './options';

/** The labels painted together, in one or several random colourings. */
export interface Pass {
  readonly labels: readonly number[];
  readonly mappings: readonly ColorMapping[];
}

/** A pass with its paintings, all in the order of its labels. */
export interface PaintedPass {
  readonly labels: readonly number[];
  readonly paintings: readonly Painting[];
}

/**
 * Deals labels out to passes and gives them colours (SegGPT, section 3.1).
 *
 * @param ownColors the labels' colours in their masks, for `colors: 'mask'`.
 */
export function planPasses(
  labels: readonly number[],
  options: Pick<ResolvedOptions, 'colors' | 'seed' | 'labelsPerPass' | 'colorEnsemble'>,
  ownColors?: ReadonlyMap<number, Color>,
): Pass[] {
  const { colors, seed } = options;
  // Masks as they were given show all labels at once.
  const most = colors === 'mask' ? labels.length : options.labelsPerPass;
  const perPass = colors === 'binary' ? 1 : most;
  // Only random colours differ from one painting to the next.
  const count = colors === 'random' ? options.colorEnsemble : 1;
  const passes = Math.ceil(labels.length / perPass);
  return Array.from({ length: passes }, (_, p) => {
    const group = labels.filter((_label, i) => i % passes === p);
    // A single label is always white: painting it again would give the same.
    const mappings = Array.from({ length: group.length > 1 ? count : 1 }, (_mapping, k) =>
      mapColors(group, colors, (seed + k) >>> 0, ownColors),
    );
    return { labels: group, mappings };
  });
}

/** How well each label fits each pixel of a half, over all passes. */
export interface MergedFits {
  readonly height: number;
  readonly width: number;
  /** In the order of `planes`, background left out. */
  readonly labels: readonly number[];
  /** `(height, width)` each, background first. */
  readonly planes: readonly Float32Array[];
}

/** Averages the paintings of each pass and joins the passes. */
export function mergeFits(passes: readonly PaintedPass[]): MergedFits {
  const { height, width } = passes[0].paintings[0];
  const labels = passes.flatMap((pass) => pass.labels);
  const fits = passes.map(({ paintings }) => averagePlanes(paintings.map(colorFits)));
  // A pixel is background only if no pass finds anything there.
  const background = fits[0][0].map((_, i) => Math.min(...fits.map((planes) => planes[0][i])));
  return { height, width, labels, planes: [background, ...fits.flatMap((pass) => pass.slice(1))] };
}

function averagePlanes(all: readonly Float32Array[][]): Float32Array[] {
  if (all.length === 1) return all[0];
  return all[0].map((first, k) =>
    first.map((_, i) => all.reduce((sum, planes) => sum + planes[k][i], 0) / all.length),
  );
}
