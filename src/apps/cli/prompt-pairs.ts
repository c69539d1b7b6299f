/** Separates the two values of one `--prompt`; it cannot occur in a path. */
const SEPARATOR = '\0';

/**
 * Argument parsers have no options of exactly two values, so `--prompt IMAGE MASK` becomes one value.
 * Wherever a value is missing, the parser is left to complain.
 */
export function joinPairs(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    joined.push(argv[i]);
    if (argv[i] === '--') return [...joined, ...argv.slice(i + 1)];
    const pair = argv.slice(i + 1, i + 3);
    if (
      argv[i] === '--prompt' &&
      pair.length === 2 &&
      !pair.some((value) => value.startsWith('--'))
    ) {
      joined.push(pair.join(SEPARATOR));
      i += 2;
    }
  }
  return joined;
}

/** Splits a joined value again; `null` if the mask is missing. */
export function splitPair(value: string): { image: string; mask: string } | null {
  const [image, mask] = value.split(SEPARATOR);
  return image && mask ? { image, mask } : null;
}
