import { resizeBilinear, resizeNearest } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';
import { normalizeColors } from '../../models/seggpt/normalize';

/** How a picture lies in the square that a model sees: at the top left, its longer side filling it. */
export interface SquareFit {
  /** The picture's, in its own pixels. */
  readonly width: number;
  /** The picture's, in its own pixels. */
  readonly height: number;
  /** Side of the square, in the model's pixels. */
  readonly side: number;
  /** Of the picture within the square. */
  readonly fittedWidth: number;
  /** Of the picture within the square. */
  readonly fittedHeight: number;
}

/** Official `ResizeLongestSide.get_preprocess_shape`: rounded half up. */
export function fitSquare(width: number, height: number, side: number): SquareFit {
  const scale = side / Math.max(width, height);
  const fit = (length: number) => Math.max(1, Math.floor(length * scale + 0.5));
  return { width, height, side, fittedWidth: fit(width), fittedHeight: fit(height) };
}

/** `(side, side, 3)` normalised colours of a picture, zeros where it is padded. */
export function toSquare(image: RgbImage, fit: SquareFit): Float32Array {
  return toPadded(image, fit, fit.side, fit.side);
}

/** The same of the square's first rows and columns alone, which hold the picture: `(rows, columns, 3)`. */
export function toPadded(
  { data, width, height }: RgbImage,
  { fittedWidth, fittedHeight }: SquareFit,
  rows: number,
  columns: number,
): Float32Array {
  const fitted = resizeBilinear(data, [height, width, 3], [fittedHeight, fittedWidth]);
  const colors = normalizeColors(fitted);
  const padded = new Float32Array(rows * columns * 3);
  const row = fittedWidth * 3;
  for (let y = 0; y < fittedHeight; y++)
    padded.set(colors.subarray(y * row, (y + 1) * row), y * columns * 3);
  return padded;
}

/** A point of the picture in the square's pixels. */
export function pointToSquare(
  x: number,
  y: number,
  { width, height, fittedWidth, fittedHeight }: SquareFit,
): [x: number, y: number] {
  return [(x * fittedWidth) / width, (y * fittedHeight) / height];
}

/**
 * A binary mask of the picture as logits of the decoder's size, `(cells, cells)`.
 *
 * @param level logit of a pixel inside; outside is its negative, as is what is padded.
 */
export function maskToLogits(
  mask: Uint8Array,
  { width, height, side, fittedWidth, fittedHeight }: SquareFit,
  cells: number,
  level: number,
): Float32Array {
  const [columns, rows] = [fittedWidth, fittedHeight].map((length) =>
    Math.max(1, Math.round((length * cells) / side)),
  );
  const shrunk = resizeNearest(mask, [height, width, 1], [rows, columns]);
  const logits = new Float32Array(cells * cells).fill(-level);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) if (shrunk[y * columns + x]) logits[y * cells + x] = level;
  return logits;
}
