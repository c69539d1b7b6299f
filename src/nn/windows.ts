/**
 * Attention inside windows of a token grid (Swin, Liu et al. 2021, arXiv:2103.14030; ViTDet, Li et al. 2022,
 * arXiv:2203.16527): rows are gathered window by window, attend, and are put back. Where windows reach over the edge, rows
 * of zeros stand in; they take part as keys, as in SAM (gather after the norm) and TinyViT (gather before it).
 */
import type { AttentionSegment, PictureGrid } from '../engines/engine';

export interface Windows {
  /** For `gatherRows`: rows of the grid, window by window; -1 for padding. */
  readonly partition: Int32Array;
  /** For `gatherRows`: where each row of the grid lies among the windows. */
  readonly restore: Int32Array;
  /** Every window looks at itself; positions are those within a window of `side x side`. */
  readonly segments: readonly AttentionSegment[];
}

/** Windows of `side x side` tokens over every picture of a grid. */
export function windowsOf({ images, rows, columns }: PictureGrid, side: number): Windows {
  const [down, across] = [Math.ceil(rows / side), Math.ceil(columns / side)];
  const size = side * side;
  const count = images * down * across;
  const partition = new Int32Array(count * size).fill(-1);
  const restore = new Int32Array(images * rows * columns);
  for (let row = 0; row < restore.length; row++) {
    const image = Math.floor(row / (rows * columns));
    const y = Math.floor(row / columns) % rows;
    const x = row % columns;
    const window = (image * down + Math.floor(y / side)) * across + Math.floor(x / side);
    const at = window * size + (y % side) * side + (x % side);
    partition[at] = row;
    restore[row] = at;
  }
  const segments = Array.from({ length: count }, (_, window) => {
    const span = { start: window * size, end: (window + 1) * size };
    return { queries: span, keys: [[span]] };
  });
  return { partition, restore, segments };
}
