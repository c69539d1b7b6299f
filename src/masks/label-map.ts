import ndarray, { type NdArray } from 'ndarray';

/** One label per pixel: `(height, width)` row-major, 0 = background, 1 … 255 = labels. */
export interface LabelMap {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** `(height, width)` row-major, one label a pixel. */
  readonly data: Uint8Array;
}

/** The distinct labels of a map, in increasing order, background left out. */
export function labelsOf({ data }: LabelMap): number[] {
  const seen = new Uint8Array(256);
  for (let i = 0; i < data.length; i++) seen[data[i]] = 1;
  return Array.from(seen.keys()).filter((label) => label > 0 && seen[label]);
}

/** A label map as an ndarray of shape (H, W), sharing its data. */
export function labelArray({ data, width, height }: LabelMap): NdArray<Uint8Array> {
  return ndarray(data, [height, width]);
}
