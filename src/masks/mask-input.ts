import { InvalidInputError } from '../base/errors';
import type { DecodeLimits } from '../images/decode-limits';
import type { ImageInput } from '../images/image-input';
import { checkSize } from '../images/read-input';
import { polygonsToMask } from './fill-polygons';
import type { Mask } from './mask';
import type { Polygon } from './polygons';
import { type CompressedRle, decodeRle, type Rle } from './rle';

/** Outlines with the size of the picture that they are of. */
export interface PolygonMask {
  /** `[x0, y0, x1, y1, …]` in pixels, (0, 0) at the top left corner of the first pixel; they add up. */
  readonly polygons: readonly Polygon[];
  /** The picture's, in pixels. */
  readonly width: number;
  /** The picture's, in pixels. */
  readonly height: number;
}

/** Run-lengths as COCO has them, in any of its forms, by themselves or as the `segmentation` of an annotation. */
export type RleMask = Rle | CompressedRle | { readonly segmentation: Rle | CompressedRle };

/** What is marked, but not as a picture. It may have a `label` (1 … 255) and a `name` of its own, as a {@link Mask} has. */
export type MaskShape =
  Mask | ((RleMask | PolygonMask) & { readonly label?: number; readonly name?: string });

/** Where one label is, `(height, width)` row-major, non-zero inside. */
export interface BinaryMask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** The label and name that it has by itself. */
  readonly label?: number;
  readonly name?: string;
}

/** Whether something is a {@link MaskShape}, by what it has: another copy of this package has other classes. */
export function isMaskShape(input: unknown): input is MaskShape {
  if (typeof input !== 'object' || input === null) return false;
  const { toBinary, polygons, size, counts, segmentation } = input as Record<string, unknown>;
  const isRle = Array.isArray(size) && (typeof counts === 'string' || Array.isArray(counts));
  const isAnnotation =
    typeof segmentation === 'object' && segmentation !== null && !Array.isArray(segmentation);
  return typeof toBinary === 'function' || Array.isArray(polygons) || isRle || isAnnotation;
}

/**
 * Draws what is marked.
 *
 * @param argument for messages.
 * @throws InvalidInputError for run-lengths that do not fill their size, outlines without one, and a label that is none;
 *   ImageError for more pixels than the limit.
 */
export function drawShape(shape: MaskShape, argument: string, limits: DecodeLimits): BinaryMask {
  const { label, name } = shape;
  if (label !== undefined && !(Number.isInteger(label) && label >= 1 && label <= 255))
    throw new InvalidInputError(
      argument,
      `has the label ${String(label)}; labels are whole numbers from 1 to 255.`,
    );
  return { ...pixelsOf(shape, argument, limits), label, name };
}

function pixelsOf(shape: MaskShape, argument: string, limits: DecodeLimits): BinaryMask {
  if ('toBinary' in shape)
    return { width: shape.width, height: shape.height, data: shape.toBinary() };
  if ('polygons' in shape) {
    const { polygons, width, height } = shape;
    if (![width, height].every((side) => Number.isSafeInteger(side) && side > 0))
      throw new InvalidInputError(
        argument,
        `has polygons, but no size; give { polygons, width, height }, the picture's in pixels.`,
      );
    checkSize(width, height, argument, limits);
    polygons.forEach((polygon, i) => checkPolygon(polygon, `${argument}.polygons[${i}]`));
    return { width, height, data: polygonsToMask(polygons, height, width) };
  }
  const rle = 'segmentation' in shape ? shape.segmentation : shape;
  const [height, width] = rle.size ?? [];
  if (![width, height].every((side) => Number.isSafeInteger(side) && side > 0))
    throw new InvalidInputError(argument, 'has run-lengths without a size [height, width].');
  checkSize(width, height, argument, limits);
  try {
    return { width, height, data: decodeRle(rle) };
  } catch (error) {
    if (error instanceof InvalidInputError)
      throw new InvalidInputError(argument, error.detail, { cause: error });
    throw error;
  }
}

function checkPolygon(polygon: unknown, argument: string): void {
  const isList = Array.isArray(polygon) && polygon.every((each) => Number.isFinite(each));
  if (!isList || polygon.length < 6 || polygon.length % 2 !== 0)
    throw new InvalidInputError(
      argument,
      'must list the numbers of three points or more, [x0, y0, x1, y1, …].',
    );
}

/** One mask, or the parts of several: what is asked for where a label map is, beside pictures of one. */
export type OneMask = ImageInput | MaskShape;
