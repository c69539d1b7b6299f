/**
 * Rotary positions of patches as DINOv3 has them (arXiv:2508.10104, section 3; RoFormer, arXiv:2104.09864): a quarter of a head's
 * channels turns with the row and a quarter with the column, both halves of a head alike. Class and register tokens do not turn.
 */

/** For queries and keys side by side, what they and what their turned halves are multiplied by. */
export interface RotaryTables {
  /** `(tokens, 2 * heads * d)` */
  readonly cosines: Float32Array;
  /** `(tokens, 2 * heads * d)` */
  readonly sines: Float32Array;
}

/**
 * @param before tokens ahead of the patches, which stay as they are.
 * @param headWidth `d`, a multiple of 4.
 */
export function rotaryTables(
  rows: number,
  columns: number,
  before: number,
  heads: number,
  headWidth: number,
  theta: number,
): RotaryTables {
  const width = 2 * heads * headWidth;
  const cosines = new Float32Array((before + rows * columns) * width).fill(1);
  const sines = new Float32Array(cosines.length);
  const quarter = headWidth / 4;
  const frequencies = Float32Array.from(
    { length: quarter },
    (_, i) => 1 / theta ** ((4 * i) / headWidth),
  );
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (before + r * columns + c) * width;
      const place = [(2 * (r + 0.5)) / rows - 1, (2 * (c + 0.5)) / columns - 1];
      for (let i = 0; i < width; i++) {
        const within = i % (headWidth / 2);
        const angle = 2 * Math.PI * place[within < quarter ? 0 : 1] * frequencies[within % quarter];
        cosines[at + i] = Math.cos(angle);
        sines[at + i] = Math.sin(angle);
      }
    }
  }
  return { cosines, sines };
}

/** By which row of a product's weights a turned half is made, and with which sign: (x₁, x₂) of a head becomes (-x₂, x₁). */
export function turnedRows(heads: number, headWidth: number) {
  const half = headWidth / 2;
  const order = Array.from({ length: heads * headWidth }, (_, i) =>
    i % headWidth < half ? i + half : i - half,
  );
  return { order, signs: order.map((_, i) => (i % headWidth < half ? -1 : 1)) };
}
