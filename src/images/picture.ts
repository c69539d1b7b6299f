import { imageCodec } from './image-codec';

/** A picture that can be looked at or kept. RGB, `(height, width, 3)` 8-bit. */
export class Picture {
  constructor(
    readonly width: number,
    readonly height: number,
    readonly data: Uint8Array,
  ) {}

  /** The picture as PNG file bytes. */
  toPng(): Promise<Uint8Array> {
    return imageCodec.encodePng({
      width: this.width,
      height: this.height,
      channels: 3,
      data: this.data,
    });
  }

  /** Writes a PNG file, whole or not at all (Node). */
  async save(path: string): Promise<void> {
    await imageCodec.save(path, await this.toPng());
  }

  /** RGBA pixels for a canvas. */
  toImageData():
    | ImageData
    | { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number } {
    const data = new Uint8ClampedArray(this.width * this.height * 4).fill(255);
    for (let i = 0; i < this.width * this.height; i++) {
      data.set(this.data.subarray(i * 3, i * 3 + 3), i * 4);
    }
    return typeof ImageData === 'undefined'
      ? { data, width: this.width, height: this.height }
      : new ImageData(data, this.width, this.height);
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
