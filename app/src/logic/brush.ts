import type { LabelRaster } from './label-raster';
import { clipRect, type Rect } from './rect';

/** A place in a picture, in its pixels; (0, 0) is the top left corner of the first one. */
export type Place = readonly [x: number, y: number];

/**
 * Paints a line with a round brush: every pixel whose centre lies within the radius of the line.
 *
 * @returns the rectangle that may have changed; `undefined` if the line lies outside.
 */
export function paintLine(
  { data, width, height }: LabelRaster,
  [x0, y0]: Place,
  [x1, y1]: Place,
  radius: number,
  label: number,
): Rect | undefined {
  const rect = clipRect(lineBounds([x0, y0], [x1, y1], radius), width, height);
  if (!rect) return undefined;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
      const [ox, oy] = [px - along * dx, py - along * dy];
      if (ox * ox + oy * oy <= radius * radius) data[y * width + x] = label;
    }
  }
  return rect;
}

/** The rectangle that a line with a round brush lies in. */
export function lineBounds([x0, y0]: Place, [x1, y1]: Place, radius: number): Rect {
  const [x, y] = [Math.min(x0, x1) - radius, Math.min(y0, y1) - radius];
  return {
    ...{ x, y },
    width: Math.abs(x1 - x0) + 2 * radius,
    height: Math.abs(y1 - y0) + 2 * radius,
  };
}
