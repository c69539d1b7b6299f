/** Largest integer of a quantised weight: 7 bits, what relaxed SIMD's byte products promise everywhere. */
export const LARGEST_WEIGHT = 63;

/** Cutting off the fraction of a positive number rounds it down: with a half added, to the nearest. */
const WHOLE = 64;
const ABOVE = WHOLE + 0.5;

/** A matrix of integers with one scale for each row: value = integer * scales[row]. */
export interface QuantizedRows {
  /** `(rows, columns)`, each in -63 … 63. */
  readonly integers: Int8Array;
  /** `(rows)` */
  readonly scales: Float32Array;
}

/**
 * Rounds a matrix row by row, each over its own largest magnitude. The CPU engine does exactly this to
 * float weights under precision `int8`, so a checkpoint quantised beforehand gives the same numbers.
 *
 * @param values `(rows, columns)`, row-major. A row is one output channel.
 */
export function quantizeRows(values: Float32Array, rows: number): QuantizedRows {
  const columns = rows === 0 ? 0 : values.length / rows;
  const integers = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const [start, end] = [r * columns, (r + 1) * columns];
    let largest = 0;
    for (let i = start; i < end; i++) {
      const magnitude = Math.abs(values[i]);
      largest = magnitude > largest ? magnitude : largest;
    }
    const scale = Math.fround(largest / LARGEST_WEIGHT) || 1;
    const inverse = 1 / scale;
    scales[r] = scale;
    for (let i = start; i < end; i++) integers[i] = ((values[i] * inverse + ABOVE) | 0) - WHOLE;
  }
  return { integers, scales };
}
