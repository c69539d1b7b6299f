import { platform } from '../adapters';
import { randomColors, type Color } from '../colors/color-mapping';
import type { RgbImage } from '../images/rgb-image';
import type { LabelMap } from './label-map';

/** A picture that can be looked at or kept. RGB, `(height, width, 3)` 8-bit. */
export class Picture {
  constructor(
    readonly width: number,
    readonly height: number,
    readonly data: Uint8Array,
  ) {}

  /** The picture as PNG file bytes. */
  toPng(): Promise<Uint8Array> {
    return platform.encodePng({
      width: this.width,
      height: this.height,
      channels: 3,
      data: this.data,
    });
  }

  /** Writes a PNG file, whole or not at all (Node). */
  async save(path: string): Promise<void> {
    await platform.writeFile(path, await this.toPng());
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

export interface OverlayOptions {
  /** How much colour covers the picture, 0 … 1. @default 0.55 */
  readonly opacity?: number;
  /** Colour of each label, RGB 0 … 255. @default distinct colours, the same in every call */
  readonly colors?: Readonly<Record<number, Color>>;
  /** Draw a line where labels change. @default true */
  readonly outline?: boolean;
}

/** Paints labels over the picture they belong to. */
export function overlay(image: RgbImage, labels: LabelMap, options: OverlayOptions = {}): Picture {
  const { opacity = 0.55, colors = {}, outline = true } = options;
  const { width, height } = image;
  const defaults = overlayColors();
  const data = Uint8Array.from(image.data);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = labels.data[i];
      const edge =
        outline &&
        ((x + 1 < width && labels.data[i + 1] !== label) ||
          (y + 1 < height && labels.data[i + width] !== label));
      if (label === 0 && !edge) continue;
      const color = edge ? ([255, 255, 255] as const) : (colors[label] ?? defaults[label - 1]);
      const share = edge ? 0.9 : opacity;
      for (let c = 0; c < 3; c++)
        data[i * 3 + c] = Math.round(image.data[i * 3 + c] * (1 - share) + color[c] * share);
    }
  }
  return new Picture(width, height, data);
}

/** Strong, distinct colours for the first labels; well separated ones for the rest. */
const FIRST: readonly Color[] = [
  [230, 57, 70],
  [29, 143, 255],
  [46, 196, 96],
  [255, 183, 3],
  [155, 93, 229],
  [0, 187, 199],
  [255, 112, 166],
  [131, 197, 46],
];

let cached: Color[] | undefined;

function overlayColors(): Color[] {
  cached ??= [...FIRST, ...randomColors(255 - FIRST.length, 1)];
  return cached;
}
