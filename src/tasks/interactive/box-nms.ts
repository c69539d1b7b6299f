import type { Corners } from './click-prompt';

/** What non-maximum suppression looks at. */
export interface Scored {
  /** Left, top, right, bottom. */
  readonly corners: Corners;
  readonly score: number;
}

/** Drops every box that overlaps a better one by more than `threshold` IoU; the rest by falling score. */
export function suppress<Each extends Scored>(all: readonly Each[], threshold: number): Each[] {
  const kept: Each[] = [];
  for (const each of [...all].sort((a, b) => b.score - a.score))
    if (!kept.some((better) => boxIou(better.corners, each.corners) > threshold)) kept.push(each);
  return kept;
}

function boxIou(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Corners) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}
