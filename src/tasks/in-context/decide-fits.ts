import type { Upsampling } from '../../colors/decode';
import type { ContextReading } from './context-session';
import { mergeFits, type MergedFits, type PaintedPass } from './passes';
import { keepPresent, type PresenceLimits, type Strengths } from './present-labels';
import { refineFits } from './refine-fits';

/** What was found of a target, and how it is to be read. */
export interface Findings extends PresenceLimits {
  readonly passes: readonly PaintedPass[];
  /** What the context decoder read, with planes in the order of `labels`; without it the painter is alone. */
  readonly read: ContextReading | undefined;
  readonly labels: readonly number[];
  /** `(height, width, 3)` RGB 8-bit: the target at the paintings' size. */
  readonly half: Uint8Array;
  /** Of the target, in pixels of its own. */
  readonly width: number;
  /** Of the target, in pixels of its own. */
  readonly height: number;
  /** Side of the painter's patches, in pixels of the painting. */
  readonly patch: number;
  readonly upsampling: Upsampling;
}

/** From paintings to fits: merged, joined with the second model's, without absent labels, borders on the picture's. */
export async function decideFits(findings: Findings): Promise<{
  readonly fits: MergedFits;
  readonly strengths: Strengths;
}> {
  const { passes, read, labels, half, width, height, patch, upsampling } = findings;
  const merged = mergeFits(passes);
  const joined = read
    ? await (await import('./join-context')).joinContext(merged, read, labels)
    : merged;
  const scale = (width * height) / (merged.width * merged.height);
  const { fits, strengths } = keepPresent(passes, joined, findings, scale, patch);
  return { fits: upsampling === 'guided' ? refineFits(fits, half, patch) : fits, strengths };
}
