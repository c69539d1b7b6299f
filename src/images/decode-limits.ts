import { ImageError, InvalidInputError } from '../base/errors';

/** Guards against pictures that would take all memory. */
export interface DecodeLimits {
  /** Most pixels (width x height) a picture may have. */
  readonly maxPixels: number;
  /** Whether SVG is drawn: a drawing of few bytes can ask for hours of work. @default false */
  readonly svg?: boolean;
}

/** Bytes of a picture that is fetched. */
export const LARGEST_DOWNLOAD = 256 << 20;

/** 100 megapixels: larger than any camera's, and 300 MB as RGB. */
export const defaultLimits: DecodeLimits = { maxPixels: 100_000_000 };

/** Limits by the options `maxPixels` and `svg`. @throws InvalidInputError if it is no number above 0. */
export function decodeLimits(options: Partial<DecodeLimits> = {}): DecodeLimits {
  const { maxPixels = defaultLimits.maxPixels, svg } = options;
  if (!(maxPixels > 0)) {
    throw new InvalidInputError(
      'maxPixels',
      `must be a number above 0 (Infinity for no limit), is ${String(maxPixels)}.`,
    );
  }
  return { maxPixels, svg };
}

/** @throws ImageError if a picture has more pixels than the limit. */
export function checkPixels(
  { width, height }: { readonly width: number; readonly height: number },
  { maxPixels }: DecodeLimits,
  origin: string,
): void {
  if (width * height > maxPixels) {
    throw new ImageError(
      `${origin} has ${width} x ${height} pixels, more than the limit of ${maxPixels}; raise the option maxPixels if that is meant.`,
    );
  }
}
