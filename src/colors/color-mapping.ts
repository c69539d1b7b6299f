import { InvalidInputError } from '../base/errors';
import { seededRandom } from '../base/random';

/** sRGB, 0 … 255 each. */
export type Color = readonly [red: number, green: number, blue: number];

/** Every {@link ColorScheme}. */
export const colorSchemes = ['random', 'palette', 'binary', 'mask'] as const;
/**
 * How labels get their colours: `random` (SegGPT, section 3.1), `palette` (Hugging Face's lattice),
 * `binary` (white on black, one label at a time), `mask` (the masks' own colours, put on the canvas pixel by pixel, soft edges
 * and all, as the official code does).
 */
export type ColorScheme = (typeof colorSchemes)[number];

/** Which colour stands for which label in one painting. Black is always the background. */
export interface ColorMapping {
  /** Labels 1 … 255, in increasing order. */
  readonly labels: readonly number[];
  /** One for each label. */
  readonly colors: readonly Color[];
  /** Whether masks are put on the canvas as they were given, not in `colors`. */
  readonly asGiven?: boolean;
}

/** Most labels one label map can tell apart. */
export const MAX_LABELS = 255;

/**
 * Colours for labels.
 *
 * @param labels distinct labels, each 1 … 255.
 * @param seed for `random`: equal seeds give equal colours on every platform.
 * @param own for `mask`: the colour that each label has in the masks.
 * @throws InvalidInputError for `binary` with more than one label, and for `mask` where colours are too near to each other or to
 *   black.
 */
export function mapColors(
  labels: readonly number[],
  scheme: ColorScheme,
  seed: number,
  own?: ReadonlyMap<number, Color>,
): ColorMapping {
  const sorted = [...labels].sort((a, b) => a - b);
  switch (scheme) {
    case 'random':
      return { labels: sorted, colors: randomColors(sorted.length, seed) };
    case 'palette':
      return { labels: sorted, colors: paletteColors(sorted.length) };
    case 'binary':
      if (sorted.length > 1) {
        throw new InvalidInputError(
          'colors',
          '"binary" shows one label at a time; paint the labels in separate passes.',
        );
      }
      return { labels: sorted, colors: sorted.map(() => [255, 255, 255]) };
    case 'mask':
      return { labels: sorted, colors: givenColors(sorted, own), asGiven: true };
    default:
      throw new InvalidInputError(
        'colors',
        `must be one of ${colorSchemes.join(', ')}, is ${JSON.stringify(scheme)}.`,
      );
  }
}

/** Colours nearer than this, 0 … 441, are not told apart in a painting. */
const LEAST_SEPARATION = 16;

function givenColors(labels: readonly number[], own?: ReadonlyMap<number, Color>): Color[] {
  const colors = labels.map((label) => own?.get(label) ?? ([0, 0, 0] as const));
  if (leastSeparation(colors) >= LEAST_SEPARATION) return colors;
  const shown = labels.map((label, i) => `${label} is rgb(${colors[i].join(', ')})`);
  throw new InvalidInputError(
    'colors',
    `"mask" paints in the masks' own colours, of which some are too near to each other or to black, as the small numbers of a label map are: ${shown.slice(0, 8).join(', ')}; choose "random", or give masks in distinct colours.`,
  );
}

/** Starts of the farthest-first choice that are tried. */
const STARTS = 8;

/**
 * Random colours as far from black and from each other as their number allows: farthest-first choice
 * on the coarsest lattice that has enough points, the best of several random starts. A single label is
 * white, whatever the seed: nothing is farther from black.
 */
export function randomColors(count: number, seed: number): Color[] {
  if (count === 1) return [[255, 255, 255]];
  const random = seededRandom(seed);
  const levels = Math.max(2, Math.ceil(Math.cbrt(count + 1)));
  const at = (level: number) => Math.round((255 * level) / (levels - 1));
  const candidates: Color[] = [];
  for (let i = 1; i < levels ** 3; i++) {
    candidates.push([
      at(Math.floor(i / levels ** 2)),
      at(Math.floor(i / levels) % levels),
      at(i % levels),
    ]);
  }
  shuffle(candidates, random);
  let best: Color[] = [];
  let separation = 0;
  for (let start = 0; start < Math.min(STARTS, candidates.length); start++) {
    const chosen = farthestFirst(candidates, start, count);
    const least = leastSeparation(chosen);
    if (least > separation) [best, separation] = [chosen, least];
  }
  shuffle(best, random);
  return best;
}

/** Starts with one candidate and adds, one by one, the one farthest from black and all chosen so far. */
function farthestFirst(candidates: readonly Color[], start: number, count: number): Color[] {
  const chosen = [candidates[start]];
  const nearest = candidates.map((color) =>
    Math.min(squaredDistance(color, [0, 0, 0]), squaredDistance(color, chosen[0])),
  );
  while (chosen.length < count) {
    let farthest = 0;
    for (let i = 1; i < candidates.length; i++) if (nearest[i] > nearest[farthest]) farthest = i;
    const color = candidates[farthest];
    chosen.push(color);
    candidates.forEach((other, i) => {
      nearest[i] = Math.min(nearest[i], squaredDistance(color, other));
    });
  }
  return chosen;
}

/** Cubes whose root comes out just below the whole number there: `64 ** (1 / 3)` is 3.9999999999999996 in Python. */
const ROUNDED_DOWN: readonly number[] = [64, 125, 216];

/**
 * The palette of transformers' SegGptImageProcessor (`build_palette`): a lattice walked down from
 * white. Its background, black, is not among the colours returned.
 */
export function paletteColors(count: number): Color[] {
  const base = Math.floor(Math.cbrt(count)) + (ROUNDED_DOWN.includes(count) ? 0 : 1);
  const margin = Math.floor(256 / base);
  return Array.from({ length: count }, (_, k) => [
    255 - margin * Math.floor(k / base ** 2),
    255 - margin * Math.floor((k % base ** 2) / base),
    255 - margin * (k % base),
  ]);
}

export function squaredDistance(a: Color, b: Color): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

/** Least distance between any two colours of a mapping, background included: how well it separates. */
export function leastSeparation(colors: readonly Color[]): number {
  const all: Color[] = [[0, 0, 0], ...colors];
  let least = Infinity;
  for (let i = 0; i < all.length; i++) {
    for (let j = 0; j < i; j++) least = Math.min(least, squaredDistance(all[i], all[j]));
  }
  return Math.sqrt(least);
}

function shuffle(items: unknown[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
}

/** Labels as a picture: `(N)` labels → `(N, 3)` colours, black where a label has none. */
export function colorize(labels: Uint8Array, { labels: known, colors }: ColorMapping): Uint8Array {
  const table = new Uint8Array(256 * 3);
  known.forEach((label, i) => table.set(colors[i], label * 3));
  const result = new Uint8Array(labels.length * 3);
  for (let i = 0; i < labels.length; i++) {
    const from = labels[i] * 3;
    result[i * 3] = table[from];
    result[i * 3 + 1] = table[from + 1];
    result[i * 3 + 2] = table[from + 2];
  }
  return result;
}
