/** Regions of one value that hang together, corners included. */

export interface Regions {
  /** `(height, width)`: number of each pixel's region from 1 on, 0 outside. */
  readonly numbers: Int32Array;
  /** Pixels of each region; entry 0 is not used. */
  readonly areas: number[];
}

/** Regions of non-zero pixels, eight-connected, in the order of their first pixels. */
export function regionsOf(data: Uint8Array, width: number, height: number): Regions {
  const numbers = new Int32Array(width * height);
  const areas = [0];
  const stack: number[] = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || numbers[start]) continue;
    const number = areas.length;
    let area = 0;
    numbers[start] = number;
    stack.push(start);
    while (stack.length > 0) {
      const at = stack.pop()!;
      area++;
      const x = at % width;
      const y = (at - x) / width;
      for (let dy = y > 0 ? -1 : 0; dy <= (y < height - 1 ? 1 : 0); dy++) {
        for (let dx = x > 0 ? -1 : 0; dx <= (x < width - 1 ? 1 : 0); dx++) {
          const next = at + dy * width + dx;
          if (!data[next] || numbers[next]) continue;
          numbers[next] = number;
          stack.push(next);
        }
      }
    }
    areas.push(area);
  }
  return { numbers, areas };
}

/**
 * Fills holes and removes islands smaller than `least` pixels; of islands the largest always stays
 * (official `remove_small_regions`).
 *
 * @returns the same array if nothing changed.
 */
export function withoutSmallRegions(
  data: Uint8Array,
  width: number,
  height: number,
  least: number,
): Uint8Array {
  const holes = regionsOf(
    data.map((value) => (value ? 0 : 1)),
    width,
    height,
  );
  const filled = holes.areas.some((area, i) => i > 0 && area < least)
    ? data.map((value, i) => (value || holes.areas[holes.numbers[i]] < least ? 1 : 0))
    : data;
  const islands = regionsOf(filled, width, height);
  if (!islands.areas.some((area, i) => i > 0 && area < least)) return filled;
  const largest = islands.areas.reduce(
    (best, area, i) => (area > islands.areas[best] ? i : best),
    0,
  );
  return filled.map((value, i) => {
    const number = islands.numbers[i];
    return value && (islands.areas[number] >= least || number === largest) ? 1 : 0;
  });
}
