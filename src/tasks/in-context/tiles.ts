/**
 * Small things in large pictures: a picture is squeezed to a few hundred pixels, where a thing of 40 pixels in a panorama is less than one
 * of the model's patches. Tiles are parts of the target, each segmented by itself at the model's resolution by prompts that
 * are cropped around their objects at a like scale.
 */
import type { Region } from '../../images/crop';
import { regionsOf } from '../../masks/regions';
import { cropPrompt } from './crop-prompt';
import type { ReadPrompt } from './prompts';
import type { Tiles } from './tiles-option';

/** Share of a tile by which neighbours overlap. */
const OVERLAP = 1 / 4;
/** With `'auto'`, how many times the side of an object a tile is wide. */
const OBJECTS_WIDE = 6;
/** A tile is never enlarged more than this: there is nothing more to see. */
const MOST_ENLARGED = 4;
/** An object is cropped with at least this much around it, in its own size. */
const MARGIN = 1.25;
/** Parts of a label smaller than this share of its largest are crumbs, and say nothing of its size. */
const CRUMB = 0.1;

/** The side of tiles, in pixels, of a picture of that size. */
export type TileSide = (width: number, height: number) => number;

/**
 * How wide tiles are.
 *
 * @param side of the square that a tile is brought to, in pixels.
 */
export function tileSide(tiles: Tiles, prompts: readonly ReadPrompt[], side: number): TileSide {
  if (typeof tiles === 'number')
    return (width, height) =>
      Math.max(1, Math.ceil(Math.max(width, height) / (tiles - (tiles - 1) * OVERLAP)));
  const asked = tiles === 'auto' ? OBJECTS_WIDE * objectSide(prompts) : parseInt(tiles, 10);
  const least = tiles === 'auto' ? side / MOST_ENLARGED : 1;
  const pixels = Math.max(1, Math.round(Math.max(asked, least)));
  return () => pixels;
}

/** The side in pixels of the objects that the prompts show, of the label whose objects are the smallest. */
function objectSide(prompts: readonly ReadPrompt[]): number {
  const sides = new Map<number, number[]>();
  for (const { mask } of prompts)
    for (const label of new Set(mask.data))
      if (label > 0)
        sides.set(label, [
          ...(sides.get(label) ?? []),
          ...objectsOf(mask, label).map(({ box }) => Math.max(box[2], box[3])),
        ]);
  return Math.min(...[...sides.values()].map(median));
}

interface ObjectBox {
  readonly box: Region;
  readonly area: number;
}

/** Connected parts of a label, crumbs left out. */
function objectsOf({ data, width, height }: ReadPrompt['mask'], label: number): ObjectBox[] {
  const { numbers, areas } = regionsOf(
    data.map((each) => (each === label ? 1 : 0)),
    width,
    height,
  );
  const least = CRUMB * areas.reduce((most, area) => Math.max(most, area), 0);
  const boxes = boxesOf(numbers, areas.length, width);
  return areas.flatMap((area, i) => (i > 0 && area >= least ? [{ box: boxes[i], area }] : []));
}

function boxesOf(numbers: Int32Array, count: number, width: number): Region[] {
  const ends = Array.from({ length: count }, () => [Infinity, Infinity, -1, -1]);
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] === 0) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    const box = ends[numbers[i]];
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return ends.map(([x0, y0, x1, y1]) => [x0, y0, x1 - x0 + 1, y1 - y0 + 1]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** A part of a picture as wide as a tile, around a box, inside the picture. */
export function windowAround(
  [x, y, w, h]: Region,
  side: number,
  width: number,
  height: number,
): Region {
  // What does not fit into a tile is shown whole.
  const wanted = Math.max(side, Math.ceil(MARGIN * Math.max(w, h)));
  const span = (start: number, length: number, limit: number): [number, number] => {
    const size = Math.min(wanted, limit);
    const from = Math.round(start + length / 2 - size / 2);
    return [Math.min(Math.max(from, 0), limit - size), size];
  };
  const [left, across] = span(x, w, width);
  const [top, down] = span(y, h, height);
  return [left, top, across, down];
}

/**
 * Prompts cropped to their objects: of each picture a part for each label that no other part shows, around an object of usual size.
 * A label that is in a part only by its edge counts as not shown.
 */
export function cropPrompts(prompts: readonly ReadPrompt[], side: TileSide): ReadPrompt[] {
  return prompts.flatMap((prompt) => {
    const { width, height, data } = prompt.mask;
    const pixels = side(width, height);
    const windows: Region[] = [];
    for (const label of new Set(data)) {
      if (label === 0) continue;
      const objects = objectsOf(prompt.mask, label).sort((a, b) => a.area - b.area);
      const { box } = objects[Math.floor(objects.length / 2)];
      if (!windows.some((window) => holds(window, box)))
        windows.push(windowAround(box, pixels, width, height));
    }
    return windows.map((window) => cropPrompt(prompt, window));
  });
}

function holds([x, y, w, h]: Region, [left, top, across, down]: Region): boolean {
  return x <= left && y <= top && left + across <= x + w && top + down <= y + h;
}

/** The tiles of a picture, row by row: as few as overlap by a quarter or more, evenly spread. */
export function planTiles(width: number, height: number, side: number): Region[][] {
  const across = spread(width, side);
  return spread(height, side).map(([y, h]) => across.map(([x, w]) => [x, y, w, h] as const));
}

function spread(length: number, side: number): [start: number, length: number][] {
  const size = Math.min(side, length);
  const count = 1 + Math.ceil((length - size) / Math.max(1, Math.floor(size * (1 - OVERLAP))));
  return Array.from({ length: count }, (_, i) => [
    count === 1 ? 0 : Math.round((i * (length - size)) / (count - 1)),
    size,
  ]);
}
