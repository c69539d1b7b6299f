import { randomColors, type Color } from '../colors/color-mapping';

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

/** The colour in which each label is shown, from label 1 on; the same in every call. RGB 0 … 255. */
export function labelColors(): readonly Color[] {
  cached ??= [...FIRST, ...randomColors(255 - FIRST.length, 1)];
  return cached;
}
