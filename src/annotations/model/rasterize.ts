import { polygonsToMask } from '../../masks/fill-polygons';
import type { Polygon } from '../../masks/polygons';
import { decodeRle } from '../../masks/rle';
import type { ObjectShape, Patch } from './annotated-picture';

/** The pixels of an object that lie in its picture. */
export function rasterize(shape: ObjectShape, width: number, height: number): Patch {
  if ('mask' in shape) return shape.mask;
  if ('rle' in shape) return { x: 0, y: 0, width, height, data: decodeRle(shape.rle) };
  return fill(shape.polygons, width, height);
}

/** Fills polygons in the part of the picture that they reach. */
function fill(polygons: readonly Polygon[], width: number, height: number): Patch {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (const polygon of polygons) {
    for (let i = 0; i < polygon.length; i += 2) {
      left = Math.min(left, Math.floor(polygon[i]));
      right = Math.max(right, Math.ceil(polygon[i]));
      top = Math.min(top, Math.floor(polygon[i + 1]));
      bottom = Math.max(bottom, Math.ceil(polygon[i + 1]));
    }
  }
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  const [w, h] = [
    Math.max(0, Math.min(width, right) - x),
    Math.max(0, Math.min(height, bottom) - y),
  ];
  const moved = polygons.map((polygon) => polygon.map((value, i) => value - (i % 2 === 0 ? x : y)));
  return { x, y, width: w, height: h, data: polygonsToMask(moved, h, w) };
}
