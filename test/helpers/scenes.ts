import { copyingPatch, looks } from './copying-checkpoint';

const colors: Record<string, readonly number[]> = {
  '.': looks.black,
  r: looks.red,
  g: looks.green,
  b: looks.blue,
  y: looks.yellow,
  c: looks.cyan,
  w: looks.white,
};

/** Each letter of a drawing becomes a square of `scale` pixels. */
function enlarge<Value>(rows: readonly string[], scale: number, of: (letter: string) => Value) {
  const [width, height] = [rows[0].length * scale, rows.length * scale];
  const pixels = Array.from({ length: width * height }, (_, i) =>
    of(rows[Math.floor(i / width / scale)][Math.floor((i % width) / scale)]),
  );
  return { width, height, pixels };
}

/** A picture drawn in letters, `r` for red and so on; a letter is one patch of the copying model unless told otherwise. */
export function scene(rows: readonly string[], scale = copyingPatch) {
  const { width, height, pixels } = enlarge(rows, scale, (letter) => colors[letter]);
  return { width, height, data: Uint8Array.from(pixels.flat()) };
}

/** A label map drawn in digits; everything else is background. */
export function labels(rows: readonly string[], scale = copyingPatch) {
  const { width, height, pixels } = enlarge(rows, scale, (letter) => Number(letter) || 0);
  return { width, height, data: Uint8Array.from(pixels) };
}

/** A drawing of a label map, to be compared with what was drawn; it fails where a square holds several labels. */
export function drawn(
  { width, height, data }: { width: number; height: number; data: Uint8Array },
  scale = copyingPatch,
): string[] {
  return Array.from({ length: height / scale }, (_, row) =>
    Array.from({ length: width / scale }, (_, column) => {
      const seen = new Set<number>();
      for (let y = row * scale; y < (row + 1) * scale; y++)
        for (let x = column * scale; x < (column + 1) * scale; x++) seen.add(data[y * width + x]);
      return seen.size > 1 ? '?' : String([...seen][0] || '.');
    }).join(''),
  );
}

/** A drawing of 8 x 8 squares with rectangles on it: letter, left, top, width, height. */
export function squares(
  ...rectangles: readonly (readonly [string, number, number, number, number])[]
): string[] {
  const rows = Array.from({ length: 8 }, () => Array<string>(8).fill('.'));
  for (const [letter, x, y, w, h] of rectangles)
    for (let row = y; row < y + h; row++) rows[row].fill(letter, x, x + w);
  return rows.map((row) => row.join(''));
}

/** How alike two label maps are in one label: pixels of both over pixels of either. */
export function overlap(a: Uint8Array, b: Uint8Array, label = 1): number {
  const [both, either] = [
    a.filter((value, i) => value === label && b[i] === label),
    a.filter((value, i) => value === label || b[i] === label),
  ];
  return both.length / either.length;
}
