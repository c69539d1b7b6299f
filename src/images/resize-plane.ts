/** A part of a plane of numbers, row-major. */
export interface PlanePart {
  readonly data: Float32Array;
  /** Numbers from one row to the next. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** Bilinear without antialiasing, half-pixel centres, edges repeated: `(toHeight, toWidth)`. */
export function resizePlane(
  { data, stride, width, height }: PlanePart,
  toHeight: number,
  toWidth: number,
): Float32Array {
  const result = new Float32Array(toHeight * toWidth);
  const columns = taps(width, toWidth);
  const rows = taps(height, toHeight);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const [above, below, down] = [rows.low[y] * stride, rows.high[y] * stride, rows.share[y]];
    for (let x = 0; x < toWidth; x++, at++) {
      const [left, right, across] = [columns.low[x], columns.high[x], columns.share[x]];
      const top = data[above + left] + across * (data[above + right] - data[above + left]);
      const bottom = data[below + left] + across * (data[below + right] - data[below + left]);
      result[at] = top + down * (bottom - top);
    }
  }
  return result;
}

function taps(inputs: number, outputs: number) {
  const low = new Int32Array(outputs);
  const high = new Int32Array(outputs);
  const share = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const at = Math.max(((o + 0.5) * inputs) / outputs - 0.5, 0);
    low[o] = Math.min(Math.floor(at), inputs - 1);
    high[o] = Math.min(low[o] + 1, inputs - 1);
    share[o] = at - low[o];
  }
  return { low, high, share };
}
