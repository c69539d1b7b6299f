/** What is known of one label in a picture that was segmented. */
export interface FoundLabel {
  readonly label: number;
  /** Mean fit of its pixels, 0 … 1. */
  readonly score: number;
  /** Evidence that it is there at all, 0 … 1. */
  readonly strength: number;
  readonly present: boolean;
  /** Objects that it was split into, where that was asked for. */
  readonly objects?: number;
}

/**
 * How sure a picture's result is, 0 … 1: that of its least sure label. A label that is there is as sure as the weaker of its fit
 * and its evidence; one that is not, as sure as the evidence is weak.
 */
export function surenessOf(labels: readonly FoundLabel[]): number {
  return labels.reduce(
    (least, { present, score, strength }) =>
      Math.min(least, present ? Math.min(score, strength) : 1 - strength),
    1,
  );
}
