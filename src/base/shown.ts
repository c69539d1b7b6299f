import { shorten } from './shorten';

/**
 * A value that came from outside, for a message: numbers, texts and short lists of them as they are, of others the kind
 * alone. Nothing of the value is called, and nested ones are not walked.
 */
export function shown(value: unknown): string {
  if (Array.isArray(value)) {
    const flat = value.length <= 8 && value.every((item) => typeof item !== 'object');
    return flat ? `[${value.map(shown).join(',')}]` : `a list of ${value.length}`;
  }
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
