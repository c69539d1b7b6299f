/** Pixels of the cup that the bundled model finds in Node; browsers decode JPEG a little differently. */
let expected;

/** @returns why an outcome is not a segmented cup, if it is not. */
export function notACup(outcome, tolerance = 0.03) {
  if (outcome.error) return `${outcome.error}\n${(outcome.said ?? []).join('\n')}`;
  expected ??= outcome.area;
  if (!(outcome.area > 10_000)) return `the cup has ${outcome.area} pixels`;
  if (Math.abs(outcome.area - expected) > expected * tolerance)
    return `the cup has ${outcome.area} pixels, elsewhere ${expected}`;
  return undefined;
}
