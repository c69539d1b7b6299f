/**
 * How canvases lie in a token matrix. A canvas is a prompt half over a target half; the matrix `(R, D)` holds the prompt
 * halves of canvases 0 … N-1, then the target halves 0 … M-1, each half row-major: `R = (N + M) * Lh`. Most ops act on
 * rows alone, so a target half that canvases share needs no special case outside this file.
 */
import type { AttentionSegment, Engine, EngineTensor, RowRange } from '../../engines/engine';

export interface TokenLayout {
  /** `N`, canvases stitched from one prompt each. */
  readonly prompts: number;
  /** `M`, target halves: `N` when every canvas has its own, 1 when feature ensemble shares one. */
  readonly targets: number;
  /** `h`, token rows of one half. */
  readonly rows: number;
  /** `w`, token columns. */
  readonly columns: number;
}

/** `Lh`, tokens of one half. */
export function halfLength(layout: TokenLayout): number {
  return layout.rows * layout.columns;
}

/** Rows of half `index`: prompts 0 … N-1, then targets. */
export function halfRange(layout: TokenLayout, index: number): RowRange {
  const Lh = halfLength(layout);
  return [index * Lh, (index + 1) * Lh];
}

/**
 * Self-attention inside every canvas. Positions count the rows of a whole canvas. A shared target half looks at each of
 * its canvases and takes the mean; its own keys come first in every set, so that they are looked at once.
 *
 * @param queries rows whose outputs are needed, in this order: whole token rows; all by default.
 */
export function canvasSegments(
  layout: TokenLayout,
  queries: readonly RowRange[] = [[0, (layout.prompts + layout.targets) * halfLength(layout)]],
): AttentionSegment[] {
  const { prompts, targets } = layout;
  const Lh = halfLength(layout);
  const keysOf = (canvas: number) => {
    const target = halfRange(layout, prompts + (targets === 1 ? 0 : canvas));
    const prompt = halfRange(layout, canvas);
    return [
      { start: target[0], end: target[1], position: Lh },
      { start: prompt[0], end: prompt[1], position: 0 },
    ];
  };
  const canvasesOf = (half: number) => {
    if (half < prompts) return [half];
    return targets === 1 ? Array.from({ length: prompts }, (_, n) => n) : [half - prompts];
  };
  const segments: AttentionSegment[] = [];
  for (const [first, last] of queries) {
    for (let start = first; start < last;) {
      const half = Math.floor(start / Lh);
      const end = Math.min(last, (half + 1) * Lh);
      const position = start - half * Lh + (half < prompts ? 0 : Lh);
      segments.push({ queries: { start, end, position }, keys: canvasesOf(half).map(keysOf) });
      start = end;
    }
  }
  return segments;
}

/** Adds positions `(2 Lh, D)` of a whole canvas: the first half of the table to every prompt half, the second to targets. */
export function addPositions(
  engine: Engine,
  x: EngineTensor,
  positions: EngineTensor,
  layout: TokenLayout,
): EngineTensor {
  const Lh = halfLength(layout);
  const split = layout.prompts * Lh;
  const end = split + layout.targets * Lh;
  const [upper, lower] = [
    [0, Lh],
    [Lh, 2 * Lh],
  ] as const;
  return engine.tidy(() => {
    const part = (rows: RowRange, half: RowRange) => {
      const tokens = rows[1] - rows[0] === end ? x : engine.takeRows(x, [rows]);
      return engine.add(tokens, engine.takeRows(positions, [half]));
    };
    if (split === 0) return part([0, end], lower);
    if (split === end) return part([0, end], upper);
    return engine.concatRows([part([0, split], upper), part([split, end], lower)]);
  });
}

/** Replaces every target half by the mean of all: feature ensemble where target halves are stored separately. */
export function averageTargets(engine: Engine, x: EngineTensor, layout: TokenLayout): EngineTensor {
  const { prompts, targets } = layout;
  return engine.tidy(() => {
    const halves = Array.from({ length: targets }, (_, m) =>
      engine.takeRows(x, [halfRange(layout, prompts + m)]),
    );
    const mean = engine.mean(halves);
    const upper = engine.takeRows(x, [[0, prompts * halfLength(layout)]]);
    return engine.concatRows([upper, ...halves.map(() => mean)]);
  });
}
