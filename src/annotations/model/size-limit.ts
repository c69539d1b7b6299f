/** Most pixels of a picture or mask: a few bytes of run-lengths could else ask for all memory. */
export const MOST_PIXELS = 2 ** 29;

/** What is wrong with a size, for a message; `undefined` if nothing is. */
export function sizeFault(width: number, height: number): string | undefined {
  return width * height > MOST_PIXELS
    ? `has ${width} x ${height} pixels, more than the ${MOST_PIXELS} that are read; is that meant?`
    : undefined;
}
