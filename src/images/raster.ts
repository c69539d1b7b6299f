import type { BrowserClass } from '../base/browser-class';
import { InvalidInputError } from '../base/errors';
import { imageCodec } from './image-codec';
import type { RawImage } from './raw-image';

/** RGBA pixels: the platform's `ImageData` where it has one, else plain data of the same form. */
export type Pixels =
  | BrowserClass<'ImageData'>
  | {
      readonly data: Uint8ClampedArray;
      readonly width: number;
      readonly height: number;
    };

/** The part of a canvas that is drawn to. */
export interface DrawableCanvas {
  /** In pixels; set to the raster's. */
  width: number;
  /** In pixels; set to the raster's. */
  height: number;
  /** A 2D context, or null where the canvas has one of another kind. */
  getContext(kind: '2d'): unknown;
}

/** What can be kept as a file or shown on a canvas. */
export abstract class Raster {
  constructor(
    /** In pixels. */
    readonly width: number,
    /** In pixels. */
    readonly height: number,
  ) {}

  /** What a PNG file of it holds. */
  protected abstract stored(): RawImage;

  /** `(height, width, 4)` RGBA, what is seen of it. */
  protected abstract shown(): Uint8ClampedArray<ArrayBuffer>;

  /** PNG file bytes. */
  toPng(): Promise<Uint8Array> {
    return imageCodec.encodePng(this.stored());
  }

  /** A PNG file as a `Blob`, for a download link or an `<img>`. */
  async toBlob(): Promise<Blob> {
    const bytes = await this.toPng();
    return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/png' });
  }

  /**
   * Writes a PNG file, whole or not at all (Node). Directories that are missing are made.
   *
   * @param path ends in `.png`.
   * @throws InvalidInputError if it ends in anything else, or in browsers, which have no paths; OutputError if it
   *   cannot be written: then there is no file, or the one there was.
   */
  async save(path: string): Promise<void> {
    if (!/\.png$/i.test(path))
      throw new InvalidInputError('path', `is "${path}", but PNG is written; name it NAME.png.`);
    await imageCodec.save(path, await this.toPng());
  }

  /** RGBA pixels for a canvas, in a new array. */
  toImageData(): Pixels {
    const data = this.shown();
    const { width, height } = this;
    return typeof ImageData === 'undefined'
      ? { data, width, height }
      : new ImageData(data, width, height);
  }

  /**
   * Draws it, and nothing else, on a canvas (browsers), which takes its size.
   *
   * @throws InvalidInputError if the canvas gives no 2D context: it may have one of another kind.
   */
  drawTo(canvas: DrawableCanvas): void {
    canvas.width = this.width;
    canvas.height = this.height;
    const pen = canvas.getContext('2d') as CanvasRenderingContext2D | null;
    if (!pen) throw new InvalidInputError('canvas', 'gives no 2D context; use a fresh canvas.');
    pen.putImageData(this.toImageData() as ImageData, 0, 0);
  }
}
