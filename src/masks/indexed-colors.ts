/** Pixels as places in a list of the colours that occur. */
export interface IndexedColors {
  readonly width: number;
  readonly height: number;
  /** `(height, width)`: where each pixel's colour stands in `colors`. */
  readonly ids: Uint16Array;
  /** Each as one number, `0xRRGGBB`. */
  readonly colors: readonly number[];
  /** Pixels of each colour. */
  readonly counts: readonly number[];
}

/** More colours than ids can tell apart: a photograph has them, a mask of any kind does not. */
const MOST_COLORS = 65535;

/** @param packed `(height, width)` colours, each as one number. @returns `null` for more colours than any mask has. */
export function indexColors(
  packed: Uint32Array,
  width: number,
  height: number,
): IndexedColors | null {
  const places = new Uint16Array(1 << 24); // 1 more than the id, 0 for colours not met yet
  const ids = new Uint16Array(packed.length);
  const colors: number[] = [];
  const counts: number[] = [];
  for (let start = 0; start < packed.length;) {
    const color = packed[start];
    let end = start + 1;
    while (end < packed.length && packed[end] === color) end++;
    if (places[color] === 0) {
      if (colors.length === MOST_COLORS) return null;
      colors.push(color);
      counts.push(0);
      places[color] = colors.length;
    }
    const id = places[color] - 1;
    counts[id] += end - start;
    if (id !== 0) ids.fill(id, start, end);
    start = end;
  }
  return { width, height, ids, colors, counts };
}

/** The same of levels of grey, each of which stands for a colour. @param colorOf `(256)` colours, each as one number. */
export function indexLevels(
  levels: Uint8Array,
  colorOf: Uint32Array,
  width: number,
  height: number,
): IndexedColors {
  const all = new Array<number>(256).fill(0);
  for (let i = 0; i < levels.length; i++) all[levels[i]]++;
  const used = [...all.keys()].filter((level) => all[level] > 0);
  // Levels that are shown in one colour are one.
  const colors = [...new Set(used.map((level) => colorOf[level]))];
  const place = new Uint16Array(256);
  const counts = colors.map(() => 0);
  for (const level of used) {
    place[level] = colors.indexOf(colorOf[level]);
    counts[place[level]] += all[level];
  }
  const ids = new Uint16Array(levels.length);
  for (let i = 0; i < ids.length; i++) ids[i] = place[levels[i]];
  return { width, height, ids, colors, counts };
}

/** Red, green and blue of a colour that is one number. */
export const channelsOf = (color: number): [red: number, green: number, blue: number] => [
  color >> 16,
  (color >> 8) & 255,
  color & 255,
];

/** `#rrggbb`, as colours are named in messages and as labels. */
export const colorName = (color: number): string => `#${color.toString(16).padStart(6, '0')}`;

export function colorDistance(a: number, b: number): number {
  return Math.hypot(
    (a >> 16) - (b >> 16),
    ((a >> 8) & 255) - ((b >> 8) & 255),
    (a & 255) - (b & 255),
  );
}
