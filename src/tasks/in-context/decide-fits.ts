import { nextTurn } from '../../base/next-turn';
import type { Upsampling } from '../../colors/decode';
import { fitOf } from '../../colors/logits';
import type { ContextReading } from './context-session';
import { mergeFits, type MergedFits, type PaintedPass } from './passes';
import { keepPresent, paintedStrength, type Strengths } from './present-labels';
import { refineFits } from './refine-fits';

/** Strength from which a label is taken to be present, of what was painted and of the second model; see docs/decisions.md. */
const [LEAST_PAINTED, LEAST_CHANCE] = [0.57, 0.5];

/** What was found of a target, and how it is to be read. */
export interface Findings {
  /** Least strength of a label that is present, 0 … 1; what was calibrated for the model where it is not given. */
  readonly minimumScore: number | undefined;
  /** Least area of one, in pixels of the target; see {@link keepPresent}. */
  readonly minimumArea: number | undefined;
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
  await nextTurn(); // merging, joining, filtering and decoding each take a while: a page stays free between them
  const merged = mergeFits(passes);
  const joined = read
    ? await (await import('./join-context')).joinContext(merged, read, labels)
    : merged;
  const scale = (width * height) / (merged.width * merged.height);
  // The second model was taught to say whether a label is there; how strongly the painter paints what it finds tells less.
  const { presence } = read ?? {};
  const strength = presence
    ? (label: number) => fitOf(presence[labels.indexOf(label)])
    : paintedStrength(passes);
  const minimumScore = findings.minimumScore ?? (presence ? LEAST_CHANCE : LEAST_PAINTED);
  const limits = { minimumScore, minimumArea: findings.minimumArea };
  const { fits, strengths } = keepPresent(joined, strength, limits, scale, patch);
  return { fits: upsampling === 'guided' ? await refineFits(fits, half, patch) : fits, strengths };
}
