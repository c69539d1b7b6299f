/** Guards against pictures that would take all memory. */
export interface DecodeLimits {
  /** Most pixels (width x height) a picture may have. */
  readonly maxPixels: number;
}

/** 100 megapixels: larger than any camera's, and 300 MB as RGB. */
export const defaultLimits: DecodeLimits = { maxPixels: 100_000_000 };
