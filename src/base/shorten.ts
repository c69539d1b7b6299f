const MOST = 160;

/** A path or URL for a message: long ones, as `data:` URLs are, lose their middle. */
export function shorten(text: string): string {
  if (text.length <= MOST) return text;
  return `${text.slice(0, MOST / 2)}… (${text.length} characters)`;
}
