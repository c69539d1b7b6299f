/** Where `everything` looks: the picture, and in layers of crops the parts of it (official `utils/amg.py`). */
import type { RgbImage } from '../../images/rgb-image';
import type { Corners, Point } from './click-prompt';

export interface Crop {
  readonly box: Corners;
  /** 0 for the whole picture. */
  readonly layer: number;
}

/** The whole picture, then `2^layer x 2^layer` crops for each layer. */
export function cropsOf(
  width: number,
  height: number,
  layers: number,
  overlapRatio: number,
): Crop[] {
  const crops: Crop[] = [{ box: [0, 0, width, height], layer: 0 }];
  for (let layer = 1; layer <= layers; layer++) {
    const side = 2 ** layer;
    const overlap = Math.floor(overlapRatio * Math.min(width, height) * (2 / side));
    const lengthOf = (whole: number) => Math.ceil((overlap * (side - 1) + whole) / side);
    const [cropWidth, cropHeight] = [lengthOf(width), lengthOf(height)];
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        const [x, y] = [(cropWidth - overlap) * i, (cropHeight - overlap) * j];
        crops.push({
          box: [x, y, Math.min(x + cropWidth, width), Math.min(y + cropHeight, height)],
          layer,
        });
      }
    }
  }
  return crops;
}

/** A grid of `side x side` points over a picture, row by row, half a step from its edges. */
export function pointGrid(side: number, width: number, height: number): Point[] {
  return Array.from({ length: side * side }, (_, i) => [
    (((i % side) + 0.5) / side) * width,
    ((Math.floor(i / side) + 0.5) / side) * height,
  ]);
}

/** The part of a picture within a box. */
export function cutOut({ data, width }: RgbImage, [x0, y0, x1, y1]: Corners): RgbImage {
  const cut = new Uint8Array((x1 - x0) * (y1 - y0) * 3);
  for (let y = y0; y < y1; y++)
    cut.set(data.subarray((y * width + x0) * 3, (y * width + x1) * 3), (y - y0) * (x1 - x0) * 3);
  return { width: x1 - x0, height: y1 - y0, data: cut };
}

/**
 * Whether a mask is cut off by its crop: its box comes within 20 pixels of an edge of the crop that is none of the picture.
 *
 * @param box corners of the last pixels, in the picture's coordinates.
 */
export function isCutOff(box: Corners, crop: Corners, width: number, height: number): boolean {
  const near = (a: number, b: number) => Math.abs(a - b) <= 20;
  const whole = [0, 0, width, height];
  return box.some((edge, i) => near(edge, crop[i]) && !near(edge, whole[i]));
}
