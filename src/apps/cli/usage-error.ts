/** Bad usage that the parser cannot see: the command ends with exit code 2. */
export class UsageError extends Error {}

/** Most files that a message names one by one. */
const NAMED = 10;

/** Files for a message, in quotes; of many the first, and how many more there are. */
export function named(files: readonly string[]): string {
  const shown = files.slice(0, NAMED).map((file) => `"${file}"`);
  const more = files.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
