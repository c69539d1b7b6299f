import { rgbOf } from '../logic/hex-color';
import type { LabelRaster } from '../logic/label-raster';
import type { ProjectLabel } from '../logic/project-file';
import type { Rect } from '../logic/rect';

const INSIDE = 120;
const OUTLINE = 255;

/** Draws a part of the labels: transparent where there is none, veiled inside, full along outlines. */
export function drawLabels(
  pen: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { data, width, height }: LabelRaster,
  rect: Rect,
  labels: readonly ProjectLabel[],
): void {
  const colors = new Map(labels.map(({ id, color }) => [id, rgbOf(color)]));
  const image = new ImageData(rect.width, rect.height);
  const pixels = image.data;
  for (let row = 0; row < rect.height; row++) {
    const y = rect.y + row;
    for (let column = 0; column < rect.width; column++) {
      const x = rect.x + column;
      const at = y * width + x;
      const color = data[at] === 0 ? undefined : colors.get(data[at]);
      if (!color) continue;
      const isEdge =
        (x > 0 && data[at - 1] !== data[at]) ||
        (x + 1 < width && data[at + 1] !== data[at]) ||
        (y > 0 && data[at - width] !== data[at]) ||
        (y + 1 < height && data[at + width] !== data[at]);
      const to = (row * rect.width + column) * 4;
      [pixels[to], pixels[to + 1], pixels[to + 2]] = color;
      pixels[to + 3] = isEdge ? OUTLINE : INSIDE;
    }
  }
  pen.putImageData(image, rect.x, rect.y);
}
