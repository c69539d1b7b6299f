import type { Progress } from '../../base/progress';
import type { Pass } from './passes';

/** Turns fractions of single paintings into one count of blocks over all of them. */
export function countBlocks(
  stage: 'prepare' | 'paint',
  passes: readonly Pass[],
  blocks: number,
  onProgress: ((progress: Progress) => void) | undefined,
): ((fraction: number) => void) | undefined {
  if (!onProgress) return undefined;
  const paintings = passes.reduce((sum, { mappings }) => sum + mappings.length, 0);
  let finished = 0;
  return (fraction) => {
    onProgress({
      stage,
      loaded: Math.round((finished + fraction) * blocks),
      total: paintings * blocks,
    });
    if (fraction >= 1) finished++;
  };
}
