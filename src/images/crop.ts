import type { RgbImage } from './rgb-image';

/** A rectangle in pixels: left edge, top edge, width, height; whole numbers inside the picture. */
export type Region = readonly [x: number, y: number, width: number, height: number];

/** Cuts a region out of interleaved pixels `(height, width, channels)`. */
export function crop<Data extends Uint8Array>(
  data: Data,
  width: number,
  channels: number,
  [x, y, w, h]: Region,
): Uint8Array {
  const result = new Uint8Array(w * h * channels);
  for (let row = 0; row < h; row++) {
    const from = ((y + row) * width + x) * channels;
    result.set(data.subarray(from, from + w * channels), row * w * channels);
  }
  return result;
}

/** A region of a picture as a picture; the picture itself where the region is all of it. */
export function cropImage(image: RgbImage, region: Region): RgbImage {
  const [, , width, height] = region;
  if (width === image.width && height === image.height) return image;
  return { width, height, data: crop(image.data, image.width, 3, region) };
}

/** Puts the pixels of a region, `(h, w, channels)`, into `(height, width, channels)` of zeros: {@link crop} undone. */
export function place(
  data: Uint8Array,
  channels: number,
  [x, y, w, h]: Region,
  width: number,
  height: number,
): Uint8Array {
  if (w === width && h === height) return data;
  const result = new Uint8Array(width * height * channels);
  for (let row = 0; row < h; row++) {
    const from = row * w * channels;
    result.set(data.subarray(from, from + w * channels), ((y + row) * width + x) * channels);
  }
  return result;
}

/**
 * A box widened around its centre, clipped to the picture.
 *
 * @param margin factor on both sides of the box; the result is at least a quarter of the picture a side.
 */
export function widen([x, y, w, h]: Region, margin: number, width: number, height: number): Region {
  const span = (start: number, length: number, limit: number): [number, number] => {
    const wanted = Math.min(limit, Math.max(length * margin, limit / 4));
    const centre = start + length / 2;
    const from = Math.round(Math.min(Math.max(centre - wanted / 2, 0), limit - wanted));
    return [from, Math.max(1, Math.min(limit - from, Math.round(wanted)))];
  };
  const [left, across] = span(x, w, width);
  const [top, down] = span(y, h, height);
  return [left, top, across, down];
}
