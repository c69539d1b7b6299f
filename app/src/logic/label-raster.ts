import type { Rect } from './rect';

/** The label of each pixel of a picture, `(height, width)` row-major, 0 = background. Painted in place. */
export interface LabelRaster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A copy of the labels in a rectangle that lies within the raster. */
export function copyRect({ data, width }: LabelRaster, rect: Rect): Uint8Array {
  const copy = new Uint8Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * width + rect.x;
    copy.set(data.subarray(start, start + rect.width), row * rect.width);
  }
  return copy;
}

/** Puts labels into a rectangle that lies within the raster. */
export function putRect({ data, width }: LabelRaster, rect: Rect, labels: Uint8Array): void {
  for (let row = 0; row < rect.height; row++)
    data.set(
      labels.subarray(row * rect.width, (row + 1) * rect.width),
      (rect.y + row) * width + rect.x,
    );
}
