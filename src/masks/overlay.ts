import type { Color } from '../colors/color-mapping';
import { Picture } from '../images/picture';
import type { RgbImage } from '../images/rgb-image';
import { labelColors } from './label-colors';
import type { LabelMap } from './label-map';

/** How labels are painted over a picture. */
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
  const defaults = labelColors();
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
