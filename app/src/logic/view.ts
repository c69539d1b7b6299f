import type { Place } from './brush';

/** How a picture lies on the stage: its top left corner in the stage's pixels, and how large a pixel is. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const LARGEST = 40;
const MARGIN = 24;

/** The whole picture, in the middle of the stage; small ones are enlarged at most four times. */
export function fitView(picture: Size, stage: Size): View {
  const margin = Math.min(MARGIN, stage.width / 16);
  const scale = Math.min(
    (stage.width - 2 * margin) / picture.width,
    (stage.height - 2 * margin) / picture.height,
    4,
  );
  return {
    x: (stage.width - picture.width * scale) / 2,
    y: (stage.height - picture.height * scale) / 2,
    scale,
  };
}

/** Enlarges around a point of the stage, which keeps its place. */
export function zoomAt(view: View, [x, y]: Place, factor: number): View {
  const scale = Math.min(LARGEST, Math.max(0.02, view.scale * factor));
  const ratio = scale / view.scale;
  return { x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio, scale };
}

/** A point of the stage in the picture's pixels. */
export function toPicture(view: View, [x, y]: Place): Place {
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}
