import { imageCodec } from './image-codec';
import { Raster } from './raster';

/** A picture that can be looked at or kept. RGB, `(height, width, 3)` 8-bit. */
export class Picture extends Raster {
  constructor(
    width: number,
    height: number,
    /** `(height, width, 3)` row-major RGB, 0 … 255. */
    readonly data: Uint8Array,
  ) {
    super(width, height);
  }

  protected stored() {
    const { width, height, data } = this;
    return { width, height, channels: 3 as const, data };
  }

  protected shown(): Uint8ClampedArray<ArrayBuffer> {
    const pixels = new Uint8ClampedArray(this.width * this.height * 4).fill(255);
    for (let i = 0; i < this.width * this.height; i++)
      pixels.set(this.data.subarray(i * 3, i * 3 + 3), i * 4);
    return pixels;
  }

  /** What `JSON.stringify` keeps of it: its size. */
  toJSON(): { readonly width: number; readonly height: number } {
    return { width: this.width, height: this.height };
  }

  /** What `console.log` prints in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Picture { ${this.width} x ${this.height} }`;
  }
}

/** Grey pixels `(height, width)`, such as a label map, as PNG file bytes; values come through as they are. */
export function encodeGreyPng(
  data: Uint8Array,
  width: number,
  height: number,
): Promise<Uint8Array> {
  return imageCodec.encodePng({ data, width, height, channels: 1 });
}
