import { InvalidInputError } from '../../base/errors';
import type { LabelMap } from '../../masks/label-map';
import type { AnnotatedPicture } from './annotated-picture';
import { labelObjects, type LabelTable } from './label-table';
import { rasterize } from './rasterize';
import { sizeFault } from './size-limit';

/** Which of two objects has a pixel that both mark. */
export const overlapRules = ['later', 'smaller'] as const;
/** `'later'` as the file has them; `'smaller'` by area. */
export type OverlapRule = (typeof overlapRules)[number];

/** How objects become labels. */
export interface LabelMapOptions {
  /** Labels that names have already, so that several files agree; new names are added. @default none */
  readonly labels?: LabelTable;
  /**
   * What lies on top where objects overlap: what the file has later, or what has the smaller area (of equal ones the later).
   * Crowds lie beneath all others either way.
   * @default 'later'
   */
  readonly overlaps?: OverlapRule;
  /** What messages call the file. @default the picture's own file, or 'annotations' */
  readonly file?: string;
}

/** A label map, and what its labels are called: the option `labelNames`. */
export interface NamedLabelMap extends LabelMap {
  /** What the labels are called, by label. */
  readonly labelNames: Readonly<Record<number, string>>;
}

/**
 * Draws a picture's objects as a label map. All objects of one name share a label ({@link LabelMapOptions.labels} tells which).
 * What lies outside of the picture is cut off; an object that lies outside as a whole, or is thinner than a pixel, marks
 * nothing.
 *
 * @returns `(height, width)` row-major, 0 where there is no object, and the names of all objects' labels.
 * @throws InvalidInputError for more than 255 names, more than 2^29 pixels, or an unknown rule.
 */
export function toLabelMap(
  picture: AnnotatedPicture,
  options: LabelMapOptions = {},
): NamedLabelMap {
  const { labels = new Map(), overlaps = 'later', file = picture.file ?? 'annotations' } = options;
  if (!overlapRules.includes(overlaps))
    throw new InvalidInputError(
      'overlaps',
      `must be one of ${overlapRules.join(', ')}, is ${String(overlaps)}.`,
    );
  const { width, height, objects } = picture;
  const fault = sizeFault(width, height);
  if (fault !== undefined) throw new InvalidInputError(file, fault);
  labelObjects(picture, labels, file);
  const data = new Uint8Array(width * height);
  const drawn = objects.map((object) => {
    const patch = rasterize(object, width, height);
    // Only this order asks for areas.
    const area =
      overlaps === 'smaller' ? patch.data.reduce((sum, v) => sum + Number(v !== 0), 0) : 0;
    return { patch, area, crowd: object.crowd ?? false, label: labels.get(object.name)! };
  });
  drawn.sort((a, b) => Number(b.crowd) - Number(a.crowd) || b.area - a.area);
  for (const { patch, label } of drawn) {
    const [left, right] = [Math.max(0, -patch.x), Math.min(patch.width, width - patch.x)];
    const [top, bottom] = [Math.max(0, -patch.y), Math.min(patch.height, height - patch.y)];
    for (let y = top; y < bottom; y++) {
      const from = y * patch.width;
      const to = (y + patch.y) * width + patch.x;
      for (let x = left; x < right; x++) if (patch.data[from + x] !== 0) data[to + x] = label;
    }
  }
  const labelNames: Record<number, string> = {};
  for (const { name } of objects) labelNames[labels.get(name)!] = name;
  return { width, height, data, labelNames };
}
