import type { Polygon } from '../../masks/polygons';

/** A box by its edges, in pixels. */
export function boxOutline(left: number, top: number, right: number, bottom: number): Polygon {
  return [left, top, right, top, right, bottom, left, bottom];
}

/** An ellipse's outline: as many points as keep it within 0.05 pixels of the curve. */
export function ellipseOutline(
  centerX: number,
  centerY: number,
  radiusX: number,
  radiusY: number,
): Polygon {
  const radius = Math.max(radiusX, radiusY, 1);
  // A chord of the angle a is r (1 - cos(a / 2)) away from its arc.
  const count = Math.max(8, Math.ceil(Math.PI / Math.acos(1 - Math.min(0.05 / radius, 1))));
  const polygon: Polygon = [];
  for (let i = 0; i < count; i++) {
    const angle = (2 * Math.PI * i) / count;
    polygon.push(centerX + radiusX * Math.cos(angle), centerY + radiusY * Math.sin(angle));
  }
  return polygon;
}

/** Turns an outline about a point, clockwise as seen (y points down). */
export function rotated(
  polygon: Polygon,
  degrees: number,
  aboutX: number,
  aboutY: number,
): Polygon {
  if (degrees === 0) return polygon;
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const turned: Polygon = [];
  for (let i = 0; i < polygon.length; i += 2) {
    const [x, y] = [polygon[i] - aboutX, polygon[i + 1] - aboutY];
    turned.push(aboutX + x * cos - y * sin, aboutY + x * sin + y * cos);
  }
  return turned;
}
