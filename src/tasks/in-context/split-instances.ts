import type { RunOptions } from '../../base/progress';
import { resizeNearest } from '../../images/resize';
import { innermost } from '../../masks/distance';
import { boundsOf, type Box, Mask } from '../../masks/mask';
import { regionsOf } from '../../masks/regions';
import type { EncodedImage } from '../interactive/encoded-image';
import { LowMaskReader } from '../interactive/low-mask';

/** Longer side of the map on which objects are told apart, in pixels. */
const SIDE = 512;
/** Prompts that are decoded together. */
const BATCH = 8;
/** Most objects of one label, so that a byte numbers them. */
const MOST = 255;
/** Least distance from a point to the border of what is left, in pixels of the map. */
const LEAST_DEPTH = 1.5;
/** Intersection over union from which a region and the decoder's answer to its box are the same. */
const SAME = 0.6;
/** Share of a region that is nearly all of it. */
const MOSTLY = 0.8;
/** Least share of an object's mask that lies in the label. */
const LEAST_INSIDE = 0.75;
/** Least share of an object's part of the label that no other object has. */
const LEAST_NEW = 0.5;
/** Least intersection over union that the decoder expects. */
const LEAST_IOU = 0.6;
/** Least size of a rest that is an object of its own, beside the mean object. */
const LEAST_REST = 0.25;

/** One object of a label, on the map. */
interface Found {
  /** `(height, width)` of the map, 1 inside the object and the label. */
  readonly inside: Uint8Array;
  readonly area: number;
  readonly score: number;
}

/** A picture's label map with what is known of its labels. */
export interface LabelledPicture {
  readonly width: number;
  readonly height: number;
  readonly labelMap: { readonly data: Uint8Array };
  readonly masks: readonly Mask[];
}

/**
 * Splits what each label marks into its objects. In each region that hangs together SAM's decoder is asked at the innermost
 * point of what is left, again and again, and of its three masks the largest that lies within is the next object. The region
 * stays one if the decoder finds that same region in its box and expects more of it than of the objects. What it does not know is an object where it hangs together and is large enough, and belongs to the nearest object else. The
 * objects of a label are its mask, no pixel more or less.
 *
 * @returns for each label its objects, the largest first; their scores are the decoder's expected intersection over union,
 *   or the label's own score where the decoder had no answer.
 */
export async function splitInstances(
  picture: LabelledPicture,
  encode: () => Promise<EncodedImage>,
  { signal, onProgress }: RunOptions = {},
): Promise<Mask[]> {
  const present = picture.masks.filter((mask) => mask.present);
  if (present.length === 0) return [];
  const { width, height, labelMap } = picture;
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const [rows, columns] = [height, width].map((n) => Math.max(1, Math.round(n * scale)));
  const small = resizeNearest(labelMap.data, [height, width, 1], [rows, columns]);
  const encoded = await encode();
  const instances: Mask[] = [];
  for (const [i, mask] of present.entries()) {
    const marked = small.map((label) => (label === mask.label ? 1 : 0));
    const found = await objectsOf(marked, columns, rows, encoded, mask.score, signal);
    instances.push(...drawn(mask, picture, found, columns, rows));
    onProgress?.({ stage: 'decode', loaded: i + 1, total: present.length });
  }
  return instances;
}

/** A connected region of a label, on the map. */
interface Region {
  readonly inside: Uint8Array;
  readonly area: number;
}

/** A region and what was found in it so far. */
interface Search {
  readonly region: Region;
  /** What the decoder expects of the region as one object; 0 if it sees something else in its box. */
  readonly asOne: number;
  /** What no object has yet. */
  readonly rest: Uint8Array;
  readonly found: Found[];
  /** What the decoder does not know. */
  readonly left: Region[];
  done: boolean;
}

async function objectsOf(
  marked: Uint8Array,
  width: number,
  height: number,
  encoded: EncodedImage,
  score: number,
  signal: AbortSignal | undefined,
): Promise<Found[]> {
  const reader = new LowMaskReader({ ...encoded.fit, width, height }, encoded.cells);
  const [across, down] = [encoded.width / width, encoded.height / height];
  const regions = regionsIn(marked, width, height).slice(0, MOST);
  const searches: Search[] = [];
  for (let start = 0; start < regions.length; start += BATCH) {
    const some = regions.slice(start, start + BATCH);
    const boxes = some.map(({ inside }) => {
      const [x, y, w, h] = boundsOf(inside, width, height)!;
      return { box: [x * across, y * down, (x + w) * across, (y + h) * down] as const };
    });
    const answers = await encoded.segmentMany(boxes, { signal });
    answers.forEach(({ masks: [{ logits, predictedIou }] }, i) => {
      const same = overlap(reader.binary(logits, 0), some[i].inside) >= SAME;
      const rest = some[i].inside.slice();
      searches.push({
        ...{ region: some[i], asOne: same ? predictedIou : 0, rest },
        ...{ found: [], left: [], done: false },
      });
    });
  }
  for (let open = searches; open.length > 0; open = open.filter(({ done }) => !done)) {
    const asked = open.slice(0, BATCH).flatMap((search) => {
      const [largest] = regionsIn(search.rest, width, height);
      const deepest = largest && { ...largest, ...innermost(largest.inside, width, height) };
      search.done = !deepest || deepest.distance < LEAST_DEPTH || search.found.length >= MOST;
      return search.done ? [] : [{ search, ...deepest }];
    });
    if (asked.length === 0) continue;
    const points = asked.map(({ x, y }) => ({ points: [[(x + 0.5) * across, (y + 0.5) * down]] }));
    const answers = await encoded.segmentMany(points, { multimask: true, signal });
    answers.forEach(({ masks }, i) => {
      const { search, inside: part, area, x, y } = asked[i];
      const { region, asOne, rest, found, left } = search;
      // Of a whole, a part and a part of that the largest within the region: parts are surer, and wrong.
      const best = masks
        .flatMap(({ logits, predictedIou }) => {
          if (predictedIou < LEAST_IOU) return [];
          const all = within(reader.binary(logits, 0), region.inside, rest);
          const share = all.total === 0 ? 0 : all.area / all.total;
          const own = all.inside[y * width + x] && all.fresh >= LEAST_NEW * all.area;
          if (!own || share < LEAST_INSIDE) return [];
          return [{ inside: all.inside, area: all.area, score: predictedIou * share }];
        })
        .sort((a, b) => b.area - a.area)[0];
      const taken = best?.inside ?? part;
      for (let at = 0; at < rest.length; at++) if (taken[at]) rest[at] = 0;
      if (best) found.push(best);
      else left.push({ inside: part, area });
      if (asOne > 0 && best && best.area > MOSTLY * region.area) search.done = true;
    });
  }
  const found: Found[] = [];
  const left: Found[] = [];
  for (const search of searches) {
    const { region, asOne } = search;
    if (asOne > 0 && !isClean(search)) found.push({ ...region, score: asOne });
    else {
      found.push(...search.found);
      left.push(...search.left.map((each) => ({ ...each, score })));
    }
  }
  return withRests(found, left, width);
}

/** Whether objects make up a region better than the region as one. */
function isClean({ region, asOne, found }: Search): boolean {
  const covered = found.reduce((total, { area }) => total + area, 0);
  const expected = found.reduce((total, each) => total + each.area * each.score, 0) / covered;
  return found.length > 1 && covered > MOSTLY * region.area && expected > asOne;
}

/** Regions that hang together, the largest first; specks left out. */
function regionsIn(data: Uint8Array, width: number, height: number): Region[] {
  const { numbers, areas } = regionsOf(data, width, height);
  return areas
    .map((area, number) => ({ area, number }))
    .filter(({ number, area }) => number > 0 && area > LEAST_DEPTH ** 2)
    .sort((a, b) => b.area - a.area)
    .map(({ area, number }) => ({
      area,
      inside: Uint8Array.from(numbers, (each) => (each === number ? 1 : 0)),
    }));
}

/** Intersection over union. */
function overlap(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] & b[i];
    either += a[i] | b[i];
  }
  return either === 0 ? 0 : both / either;
}

/** A mask's part of the label with its area, how much of it no object has yet, and the mask's whole area. */
function within(mask: Uint8Array, marked: Uint8Array, rest: Uint8Array) {
  let [area, fresh, total] = [0, 0, 0];
  const inside = mask.map((value, i) => {
    total += value;
    if (!value || !marked[i]) return 0;
    area++;
    fresh += rest[i];
    return 1;
  });
  return { inside, area, fresh, total };
}

/** Objects, and what the decoder did not know: objects of their own, but for small ones that touch another. */
function withRests(found: readonly Found[], left: readonly Found[], width: number): Found[] {
  const taken = new Uint8Array(left[0]?.inside.length ?? 0);
  for (const { inside } of found) for (let i = 0; i < taken.length; i++) taken[i] |= inside[i];
  const around = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1];
  const mean = found.reduce((total, { area }) => total + area, 0) / found.length;
  const own = left.filter(
    ({ inside, area }) =>
      !(area < LEAST_REST * mean) ||
      !inside.some((value, i) => value && around.some((step) => taken[i + step])),
  );
  return [...found, ...own].slice(0, MOST);
}

/** The objects as masks of the picture's own size: each pixel of the label belongs to the nearest object. */
function drawn(
  { label, name, score }: Mask,
  { width, height, labelMap }: LabelledPicture,
  found: readonly Found[],
  columns: number,
  rows: number,
): Mask[] {
  const small = nearestObject(found, columns, rows);
  const map = resizeNearest(small, [rows, columns, 1], [height, width]);
  const sizes = found.map(() => ({ area: 0, left: width, top: height, right: -1, bottom: -1 }));
  if (found.length === 0) sizes.push({ area: 0, left: width, top: height, right: -1, bottom: -1 });
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (labelMap.data[i] !== label) {
        map[i] = 0;
        continue;
      }
      const size = sizes[map[i] - 1];
      size.area++;
      if (x < size.left) size.left = x;
      if (x > size.right) size.right = x;
      if (y < size.top) size.top = y;
      size.bottom = y;
    }
  }
  const scoreOf = (i: number) => (found[i] ? Math.min(1, found[i].score) : score);
  return sizes
    .flatMap(({ area, left, top, right, bottom }, i) => {
      if (area === 0) return [];
      const box: Box = [left, top, right - left + 1, bottom - top + 1];
      const draw = () => Uint8Array.from(map, (each) => (each === i + 1 ? label : 0));
      return [new Mask(label, name, scoreOf(i), width, height, area, box, draw)];
    })
    .sort((a, b) => b.area - a.area);
}

/** For each pixel the number, from 1 on, of the nearest object; smaller ones lie on larger ones. All 1 without objects. */
function nearestObject(found: readonly Found[], width: number, height: number): Uint8Array {
  const map = new Uint8Array(width * height);
  if (found.length === 0) return map.fill(1);
  const largestFirst = found.map((each, i) => ({ ...each, i })).sort((a, b) => b.area - a.area);
  for (const { inside, i } of largestFirst)
    for (let at = 0; at < map.length; at++) if (inside[at]) map[at] = i + 1;
  // Outwards from all objects at once, a pixel a step.
  let ring = Array.from(map.keys()).filter((at) => map[at] > 0);
  while (ring.length > 0) {
    const next: number[] = [];
    for (const at of ring) {
      const x = at % width;
      const reach = (to: number) => {
        if (map[to] !== 0) return;
        map[to] = map[at];
        next.push(to);
      };
      if (x > 0) reach(at - 1);
      if (x < width - 1) reach(at + 1);
      if (at >= width) reach(at - width);
      if (at + width < map.length) reach(at + width);
    }
    ring = next;
  }
  return map;
}
