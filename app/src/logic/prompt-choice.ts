/** A picture that may serve as an example: what it shows, and what its features say, of length 1. */
export interface Candidate {
  readonly id: string;
  readonly labels: readonly number[];
  readonly features: Float32Array;
}

/** How much likeness to the target counts beside unlikeness among examples (maximal marginal relevance, Carbonell 1998). */
const LIKENESS = 0.5;

/**
 * The examples for a target: greedily, the one that is most like the target and least like those chosen already. As long as a
 * label is shown by none, only examples that show one of these are looked at, so that every label has its example if `most` allows.
 *
 * @param most how many examples are used at once.
 * @returns ids, the best first.
 */
export function choosePrompts(
  candidates: readonly Candidate[],
  target: Float32Array,
  most: number,
): string[] {
  const chosen: Candidate[] = [];
  const rest = [...candidates];
  const missing = new Set(candidates.flatMap(({ labels }) => labels));
  while (chosen.length < most && rest.length > 0) {
    const needed = rest.filter(({ labels }) => labels.some((label) => missing.has(label)));
    const best = (needed.length > 0 ? needed : rest).reduce((a, b) =>
      valueOf(b, chosen, target) > valueOf(a, chosen, target) ? b : a,
    );
    chosen.push(best);
    rest.splice(rest.indexOf(best), 1);
    for (const label of best.labels) missing.delete(label);
  }
  return chosen.map(({ id }) => id);
}

function valueOf({ features }: Candidate, chosen: readonly Candidate[], target: Float32Array) {
  const closest = chosen.reduce((most, each) => Math.max(most, dot(features, each.features)), 0);
  return LIKENESS * dot(features, target) - (1 - LIKENESS) * closest;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
