import type * as nodeUtil from 'node:util';

/** Test runners' imitations of browsers (jsdom) have no coders of text, but run in Node, which has. */
function platform(): Pick<typeof globalThis, 'TextDecoder' | 'TextEncoder'> {
  if (typeof TextDecoder === 'function' && typeof TextEncoder === 'function') return globalThis;
  const util: typeof nodeUtil = process.getBuiltinModule('node:util');
  return util as unknown as Pick<typeof globalThis, 'TextDecoder' | 'TextEncoder'>;
}

/** Text of UTF-8 bytes. @param strict throw a TypeError for what is not UTF-8, which else becomes U+FFFD. */
export function utf8Text(bytes: Uint8Array, strict = false): string {
  return new (platform().TextDecoder)('utf-8', { fatal: strict }).decode(bytes);
}

/** Text as UTF-8 bytes. */
export function utf8Bytes(text: string): Uint8Array<ArrayBuffer> {
  // In an imitation the bytes may be of Node's own class, not of the one this code sees.
  return Uint8Array.from(new (platform().TextEncoder)().encode(text));
}
