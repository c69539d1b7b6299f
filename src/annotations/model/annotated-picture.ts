import type { Polygon } from '../../masks/polygons';
import type { CompressedRle, Rle } from '../../masks/rle';

/** A small mask at its place in a picture, so that many objects of a large picture cost little. */
export interface Patch {
  /** Left edge in the picture, in pixels; may lie outside of it, as may the rest. */
  readonly x: number;
  /** Top edge. */
  readonly y: number;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** `(height, width)` row-major, non-zero inside. */
  readonly data: Uint8Array;
}

/**
 * Where an object is, in the form that its file has:
 *
 * - `polygons`: `[x0, y0, x1, y1, …]` in pixels, (0, 0) at the top left corner of the first pixel; a pixel is inside if its
 *   centre is (even-odd rule), and the polygons of an object add up
 * - `rle`: COCO's run-lengths, of the picture's size
 * - `mask`: pixels
 */
export type ObjectShape =
  | { readonly polygons: readonly Polygon[] }
  | { readonly rle: Rle | CompressedRle }
  | { readonly mask: Patch };

/** One thing that is marked in a picture. */
export type AnnotatedObject = ObjectShape & {
  /** What it is: the name of its category. */
  readonly name: string;
  /** Marks a group of things that are not told apart (COCO's `iscrowd`); it lies beneath all others. @default false */
  readonly crowd?: boolean;
};

/** A kind of thing, as a file lists it. */
export interface Category {
  /** What people call it; categories of one name are one label. */
  readonly name: string;
  /** The number that the file gives it, which becomes its label if it is one of 1 … 255 and free. */
  readonly number?: number;
}

/** What a file says of one picture. Plain data. */
export interface AnnotatedPicture {
  /** The picture's file as the annotations name it, where they do. */
  readonly file?: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** In the order in which they are drawn: later ones lie on top. */
  readonly objects: readonly AnnotatedObject[];
  /** All kinds that the file knows, in its order, where it lists them. */
  readonly categories?: readonly Category[];
}
