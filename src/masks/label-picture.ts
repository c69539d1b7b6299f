import { Raster } from '../images/raster';
import { type LabelMap, labelsOf } from './label-map';
import { labelColors } from './label-colors';

/**
 * A label map that can be kept and shown. As a file it is a grey PNG whose values are the labels; on a canvas each label has
 * the colour that overlays give it, and the background is transparent.
 */
export class LabelPicture extends Raster implements LabelMap {
  constructor(
    width: number,
    height: number,
    /** `(height, width)` row-major, 0 = background, 1 … 255 = labels. */
    readonly data: Uint8Array,
  ) {
    super(width, height);
  }

  protected stored() {
    const { width, height, data } = this;
    return { width, height, channels: 1 as const, data };
  }

  protected shown(): Uint8ClampedArray<ArrayBuffer> {
    const colors = labelColors();
    const pixels = new Uint8ClampedArray(this.data.length * 4);
    for (let i = 0; i < this.data.length; i++) {
      if (this.data[i] === 0) continue;
      pixels.set(colors[this.data[i] - 1], i * 4);
      pixels[i * 4 + 3] = 255;
    }
    return pixels;
  }

  /** What `JSON.stringify` keeps of it: its size and labels. */
  toJSON(): { readonly width: number; readonly height: number; readonly labels: number[] } {
    return { width: this.width, height: this.height, labels: labelsOf(this) };
  }

  /** What `console.log` prints in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `LabelPicture { ${this.width} x ${this.height}, labels ${labelsOf(this).join(', ') || 'none'} }`;
  }
}
