import type { LabelMap } from '../../masks/label-map';
import { measureLabels } from '../../masks/mask';
import type { AnnotatedObject } from './annotated-picture';

/** One object for each label of a map, in increasing order. */
export function objectsOfLabels(
  { data, width, height }: LabelMap,
  nameOf: (label: number) => string,
): AnnotatedObject[] {
  const objects: AnnotatedObject[] = [];
  measureLabels(data, width, height).forEach(({ area, box: [x, y, w, h] }, label) => {
    if (label === 0 || area === 0) return;
    const inside = new Uint8Array(w * h);
    for (let row = 0; row < h; row++)
      for (let column = 0; column < w; column++)
        inside[row * w + column] = Number(data[(y + row) * width + x + column] === label);
    objects.push({ name: nameOf(label), mask: { x, y, width: w, height: h, data: inside } });
  });
  return objects;
}
