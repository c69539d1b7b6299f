/**
 * Tiles to segment a target by: how many stand along its longer side, the side of one in pixels (`'512px'`), or `'auto'`, by
 * which the prompts' smallest kind of object fills a good part of one.
 */
export type Tiles = number | `${number}px` | 'auto';

/** The option `tiles` as data. */
export const tilesSpec = {
  kind: 'custom' as const,
  about: 'segment by overlapping tiles: how many along the longer side, a side as 512px, or auto',
  expected: 'a whole number of at least 1, a side as in 512px, or auto',
  is: (value: unknown): boolean =>
    value === 'auto' ||
    (typeof value === 'number' && Number.isInteger(value) && value >= 1) ||
    (typeof value === 'string' && /^[1-9]\d*px$/.test(value)),
  parse: (text: string): Tiles => (/^\d+$/.test(text) ? Number(text) : (text as Tiles)),
};
