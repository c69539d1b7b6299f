/**
 * Soft edges: drawing tools, resizing and lossy formats leave blends where two colours of a mask meet. This file tells them
 * from labels and joins each to a colour that it blends.
 *
 * A mask's own colours make areas, so some of their pixels have four neighbours like themselves. Blends do not; they lie
 * between two such colours in the picture and, as colours, on the line between the same two (bicubic kernels overshoot a
 * little); and where they are, the colours they blend do not touch. A thin object of a label of its own does not look so:
 * its colour is on no such line, or it is the only one, or elsewhere labels touch with no blend between.
 */
import { MAX_LABELS } from '../colors/color-mapping';
import { channelsOf, colorDistance, type IndexedColors } from './indexed-colors';

/** Least distance in RGB of two colours that have blends one can tell: 28 levels of grey. Label maps count in small steps. */
const LEAST_GAP = 48;
/** Longest row of blends between two areas, in pixels. */
const WIDEST = 32;
/** How far in pixels a blend may be from the colours it blends. */
const REACH = 8;
/** How far in RGB resizing and rounding take a blend from the line between two colours. */
const SLACK = 12;
/** Most of a mask's own colours where blends are looked for. */
const MOST_AREAS = 64;
/** Pixels that are looked at to tell blends from labels. */
const SAMPLES = 5_000;
/** Pixels that are met when rows and columns are followed; of larger masks every second or third row does. */
const MOST_SCANNED = 2_000_000;

export type SoftEdges =
  /** Every colour is one of the mask's own. */
  | { readonly kind: 'none' }
  /** Blends were found: which of the colours each pixel has, and what was done. */
  | {
      readonly kind: 'joined';
      readonly ids: Uint16Array;
      /** Colours that stay. */
      readonly kept: number;
      /** Colours that were joined to these, and their pixels. */
      readonly blends: number;
      readonly pixels: number;
    }
  /** There are colours that may be blends and may be labels. */
  | { readonly kind: 'unclear' };

/**
 * Looks for blends and joins them.
 *
 * @param lossy whether the file's format changes colours, so that those that make no areas cannot be labels.
 * @param force join what is unclear, too.
 */
export function joinSoftEdges(
  mask: IndexedColors,
  { lossy, force }: { readonly lossy: boolean; readonly force: boolean },
): SoftEdges {
  const areas = findAreas(mask, lossy || mask.colors.length > MAX_LABELS + 1);
  const blends = mask.colors.length - areas.length;
  if (blends === 0) return { kind: 'none' };
  if (areas.length === 0 || areas.length > MOST_AREAS) return { kind: lossy ? 'unclear' : 'none' };
  const areaOf = new Int16Array(mask.colors.length).fill(-1);
  areas.forEach((id, area) => (areaOf[id] = area));
  const pixels = areas.reduce((sum, id) => sum - mask.counts[id], mask.ids.length);
  const strays = positionsOfStrays(mask, areaOf, pixels);
  // With more colours than there can be labels, a mask has been through compression, whatever format it is in now.
  const verdict =
    lossy || mask.colors.length > MAX_LABELS + 1
      ? judgeLossy(mask, areas, areaOf, pixels)
      : judge(mask, areas, areaOf, strays);
  if (verdict === 'labels') return { kind: 'none' };
  if (verdict === 'unclear' && !force) return { kind: 'unclear' };
  return {
    kind: 'joined',
    ids: assign(mask, areas, areaOf, strays),
    kept: areas.length,
    blends,
    pixels,
  };
}

/** Where the pixels of no area are, so that they need not be looked for again. */
function positionsOfStrays({ ids }: IndexedColors, areaOf: Int16Array, count: number): Uint32Array {
  const positions = new Uint32Array(count);
  for (let i = 0, to = 0; i < ids.length; i++) if (areaOf[ids[i]] < 0) positions[to++] = i;
  return positions;
}

/** Ids of the colours that make areas, the largest first. */
function findAreas(mask: IndexedColors, lossy: boolean): number[] {
  const { ids, width, height, colors, counts } = mask;
  const flat = new Float64Array(colors.length); // pixels with four neighbours like themselves
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
      const id = ids[i];
      if (id === ids[i - 1] && id === ids[i + 1] && id === ids[i - width] && id === ids[i + width])
        flat[id]++;
    }
  }
  const least = lossy ? 0.1 : 0.02;
  const candidates = colors
    .map((_, id) => id)
    .filter((id) => flat[id] >= 4 && flat[id] >= least * counts[id])
    .sort((a, b) => flat[b] - flat[a]);
  // Compression leaves small flat places beside large ones that hardly differ: no areas of their own.
  const [near, share, same] = lossy ? [72, 0.2, 24] : [40, 0.02, 0];
  const areas: number[] = [];
  for (const id of candidates) {
    const noise = areas.some((other) => {
      const distance = colorDistance(colors[id], colors[other]);
      return distance <= same || (distance <= near && flat[id] < share * flat[other]);
    });
    if (!noise) areas.push(id);
  }
  return areas;
}

type Verdict = 'blends' | 'labels' | 'unclear';

/** Up to so many levels between areas blends are no rarer than labels. */
const FEW_LEVELS = 4;
/** Soft borders for each sharp one from which on a mask of few levels was softened. */
const SOFT_ALL_ALONG = 8;

function judge(
  mask: IndexedColors,
  areas: readonly number[],
  areaOf: Int16Array,
  strays: Uint32Array,
): Verdict {
  const kinds = mask.colors.length - areas.length;
  const { sharp, soft, islands, mixed } = measureRuns(mask, areaOf);
  if (areas.length === 1) {
    // No second colour makes areas: neighbours that all differ are blends of thin lines, like ones are small objects.
    return kinds >= 16 && mixed > 0.5 ? 'unclear' : 'labels';
  }
  const touching = soft < 8 || soft < sharp || soft < islands;
  const blackAndWhite = areas.every((id) => [0, 0xffffff].includes(mask.colors[id]));
  if (touching && !(blackAndWhite && kinds >= 8)) return 'labels';
  const share = blendedShare(mask, areas, areaOf, strays, kinds);
  if (share < 0.9) return share >= 0.5 && kinds >= 8 && !touching ? 'unclear' : 'labels';
  // A level or two along borders may as well be labels of borders, or objects of which others hide all but a rim: edges that
  // were softened are soft all along.
  const fewLevels = kinds < FEW_LEVELS;
  return kinds === 1 || (fewLevels && soft < SOFT_ALL_ALONG * sharp) ? 'unclear' : 'blends';
}

/** How far compression moves a colour in RGB. */
const LOSS = 48;
/** Pixels amid others that compression does not explain, from which on they are an object. */
const MOST_PATCHED = 8;

/**
 * In a lossy format all that makes no areas comes from compression, unless there is too much of it, or it is of other
 * colours: traces of an edge reach over a block of 16 pixels, so where they are says little.
 */
function judgeLossy(
  mask: IndexedColors,
  areas: readonly number[],
  areaOf: Int16Array,
  pixels: number,
): Verdict {
  const { colors, counts, ids } = mask;
  if (pixels > 0.6 * ids.length || (areas.length === 1 && pixels > 0.02 * ids.length))
    return 'unclear';
  const own = areas.map((id) => colors[id]);
  const strange = colors.map(
    (color, id) =>
      areaOf[id] < 0 &&
      !own.some((each) => colorDistance(color, each) <= LOSS) &&
      !isBlend(color, own, LOSS, 0.3),
  );
  const unexplained = strange.reduce((sum, is, id) => sum + (is ? counts[id] : 0), 0);
  if (unexplained > 0.1 * pixels) return 'unclear';
  // A small object whose colour no area has: compression leaves no such patches between others.
  const { width, height } = mask;
  let patch = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
      if (!strange[ids[i]] || !strange[ids[i - 1]] || !strange[ids[i + 1]]) continue;
      if (strange[ids[i - width]] && strange[ids[i + width]]) patch++;
    }
  }
  return patch > MOST_PATCHED ? 'unclear' : 'blends';
}

interface Runs {
  /** Borders at which two areas touch. */
  readonly sharp: number;
  /** Borders that have pixels of no area between two areas. */
  readonly soft: number;
  /** Pixels of no area within one area, of other colours than its own and its neighbours in colour. */
  readonly islands: number;
  /** Of neighbours that are both of no area the share that differ. */
  readonly mixed: number;
}

/** Looks along rows and columns at what stands between areas. */
function measureRuns({ ids, colors, width, height }: IndexedColors, areaOf: Int16Array): Runs {
  let [sharp, soft, islands, unlike, alike] = [0, 0, 0, 0, 0];
  const scan = (first: number, step: number, length: number) => {
    let before = -1; // the last area
    let run = 0; // pixels of no area since
    let odd = false; // whether any of them is of another colour than the last area
    for (let k = 0, i = first; k < length; k++, i += step) {
      const id = ids[i];
      if (areaOf[id] < 0) {
        if (run > 0) {
          if (ids[i - step] === id) alike++;
          else unlike++;
        }
        run++;
        odd ||= before >= 0 && colorDistance(colors[id], colors[before]) > LEAST_GAP;
        continue;
      }
      if (before >= 0 && run <= WIDEST) {
        if (before !== id) {
          if (run === 0) sharp++;
          else soft++;
        } else if (odd) {
          islands++;
        }
      }
      before = id;
      run = 0;
      odd = false;
    }
  };
  const every = Math.max(1, Math.floor(ids.length / MOST_SCANNED));
  for (let y = 0; y < height; y += every) scan(y * width, 1, width);
  for (let x = 0; x < width; x += every) scan(x, width, height);
  return { sharp, soft, islands, mixed: unlike / Math.max(1, unlike + alike) };
}

/**
 * Of the pixels of no area the share that is a blend of two areas around it.
 *
 * @param kinds how many colours make no area. Of many, those that are nearly the colour of an area count, too: ringing and
 *   compression leave such. Of one or two each must lie well between.
 */
function blendedShare(
  mask: IndexedColors,
  areas: readonly number[],
  areaOf: Int16Array,
  strays: Uint32Array,
  kinds: number,
): number {
  const { ids, colors, width, height } = mask;
  const step = Math.max(1, Math.floor(strays.length / SAMPLES));
  const past = kinds <= 2 ? -0.1 : 0.3;
  const around: number[] = [];
  const seen = new Uint8Array(areas.length);
  let [looked, blended] = [0, 0];
  for (let k = 0; k < strays.length; k += step) {
    const i = strays[k];
    looked++;
    around.length = 0;
    seen.fill(0);
    visitAround(i, REACH, width, height, (j) => {
      const area = areaOf[ids[j]];
      if (area < 0 || seen[area]) return;
      seen[area] = 1;
      around.push(colors[areas[area]]);
    });
    const color = colors[ids[i]];
    const isSpeck =
      kinds >= 8 &&
      around.length > 1 &&
      around.some((other) => colorDistance(color, other) <= SLACK);
    if (isSpeck || isBlend(color, around, SLACK, past)) blended++;
  }
  return looked === 0 ? 0 : blended / looked;
}

/**
 * Whether a colour lies near the line between any two of some colours.
 *
 * @param past how far past its ends, as a share of its length; below 0 it must lie well between them.
 */
function isBlend(color: number, around: readonly number[], slack: number, past: number): boolean {
  const [r, g, b] = channelsOf(color);
  for (let m = 0; m < around.length; m++) {
    const [r1, g1, b1] = channelsOf(around[m]);
    for (let n = 0; n < m; n++) {
      const [r2, g2, b2] = channelsOf(around[n]);
      const [dr, dg, db] = [r2 - r1, g2 - g1, b2 - b1];
      const square = dr * dr + dg * dg + db * db;
      if (square < LEAST_GAP * LEAST_GAP) continue;
      const t = ((r - r1) * dr + (g - g1) * dg + (b - b1) * db) / square;
      if (t < -past || t > 1 + past) continue;
      const away = Math.hypot(r - r1 - t * dr, g - g1 - t * dg, b - b1 - t * db);
      if (away <= slack) return true;
    }
  }
  return false;
}

/** Gives every pixel of no area the nearest in colour of the areas around it. */
function assign(
  mask: IndexedColors,
  areas: readonly number[],
  areaOf: Int16Array,
  strays: Uint32Array,
): Uint16Array {
  const { ids, colors, width } = mask;
  const result = ids.slice();
  const own = areas.map((id) => colors[id]);
  // Half way to the nearest other area's colour: whatever is closer to one than that is closest to it.
  const half = own.map(
    (color) =>
      Math.min(...own.map((other) => (other === color ? Infinity : colorDistance(color, other)))) /
      2,
  );
  const nearby = areasNearby(mask, areas.length, areaOf);
  const stray = { color: 0, area: -1, distance: Infinity };
  const consider = (area: number) => {
    const distance = colorDistance(stray.color, own[area]);
    if (distance >= stray.distance) return;
    stray.area = area;
    stray.distance = distance;
  };
  const considerAt = (j: number) => {
    const area = j >= 0 && j < ids.length ? areaOf[ids[j]] : -1;
    if (area >= 0) consider(area);
  };
  for (let k = 0; k < strays.length; k++) {
    const i = strays[k];
    const x = i % width;
    stray.color = colors[ids[i]];
    stray.area = -1;
    stray.distance = Infinity;
    // Mostly one of the four neighbours is of the area it belongs to.
    if (x > 0) considerAt(i - 1);
    if (x + 1 < width) considerAt(i + 1);
    considerAt(i - width);
    considerAt(i + width);
    if (stray.area < 0 || stray.distance > half[stray.area]) {
      nearby(x, (i - x) / width).forEach(consider);
      if (stray.area < 0) own.forEach((_, area) => consider(area));
    }
    result[i] = areas[stray.area];
  }
  return result;
}

/** Which areas are within 8 to 16 pixels: looked up by squares of that side, for a search around every pixel takes long. */
function areasNearby(
  { ids, width, height }: IndexedColors,
  count: number,
  areaOf: Int16Array,
): (x: number, y: number) => readonly number[] {
  const [columns, rows] = [Math.ceil(width / REACH), Math.ceil(height / REACH)];
  const present = new Uint8Array(columns * rows * count);
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor(y / REACH) * columns;
    for (let column = 0; column < columns; column++) {
      const at = (row + column) * count;
      let last = -1; // neighbours mostly are alike
      for (const end = Math.min((column + 1) * REACH, width) - column * REACH + i; i < end; i++) {
        if (ids[i] === last) continue;
        last = ids[i];
        if (areaOf[last] >= 0) present[at + areaOf[last]] = 1;
      }
    }
  }
  const known = new Map<number, readonly number[]>();
  return (x, y) => {
    const [column, row] = [Math.floor(x / REACH), Math.floor(y / REACH)];
    const at = row * columns + column;
    const before = known.get(at);
    if (before) return before;
    const found = new Set<number>();
    for (let r = Math.max(0, row - 1); r <= Math.min(rows - 1, row + 1); r++)
      for (let c = Math.max(0, column - 1); c <= Math.min(columns - 1, column + 1); c++)
        for (let area = 0; area < count; area++)
          if (present[(r * columns + c) * count + area]) found.add(area);
    const areas = [...found];
    known.set(at, areas);
    return areas;
  };
}

function visitAround(
  at: number,
  reach: number,
  width: number,
  height: number,
  visit: (index: number) => void,
): void {
  const [x, y] = [at % width, Math.floor(at / width)];
  const [left, right] = [Math.max(0, x - reach), Math.min(width - 1, x + reach)];
  const bottom = Math.min(height - 1, y + reach);
  for (let row = Math.max(0, y - reach); row <= bottom; row++)
    for (let j = row * width + left, end = row * width + right; j <= end; j++) visit(j);
}
