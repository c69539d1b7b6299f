import type { Box } from '../../masks/mask';
import type { SquareFit } from './square';

/** For each output of an axis the inputs it is mixed of: at most {@link TAPS}, from `first` on. */
interface AxisTaps {
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

const TAPS = 4;

/**
 * Reads low-resolution logits at the picture's own pixels, as the official code does: bilinear to the square, cropped to the
 * picture, bilinear to its size, both without antialiasing. Both steps of both axes are one linear map each, so a mask
 * costs a few products a pixel, and pixels far from it none.
 */
export class LowMaskReader {
  private readonly rows: AxisTaps;
  private readonly columns: AxisTaps;

  constructor(
    private readonly fit: SquareFit,
    /** Side of the logits. */
    private readonly cells: number,
  ) {
    this.rows = composed(fit.height, fit.fittedHeight, fit.side, cells);
    this.columns = composed(fit.width, fit.fittedWidth, fit.side, cells);
  }

  /**
   * Calls `line` for each of the picture's rows that may have a logit above `least`, with the columns that may, from left to
   * right: `values[x - from]` is the logit of pixel `x`. A mixture is nowhere above what it is mixed of.
   */
  scan(
    logits: Float32Array,
    least: number,
    line: (y: number, from: number, to: number, values: Float32Array) => void,
  ): void {
    const { cells, fit } = this;
    const bounds = boundsAbove(logits, cells, least);
    if (!bounds) return;
    const [top, bottom] = reach(this.rows, bounds.top, bounds.bottom, fit.height);
    const [from, to] = reach(this.columns, bounds.left, bounds.right, fit.width);
    if (top >= bottom || from >= to) return;
    const mixed = new Float32Array(cells + TAPS);
    const values = new Float32Array(to - from);
    for (let y = top; y < bottom; y++) {
      mixed.fill(0);
      for (let t = 0; t < TAPS; t++) {
        const weight = this.rows.weights[y * TAPS + t];
        if (weight === 0) continue;
        const row = (this.rows.first[y] + t) * cells;
        for (let x = 0; x < cells; x++) mixed[x] += weight * logits[row + x];
      }
      const { first, weights } = this.columns;
      for (let x = from, at = from * TAPS; x < to; x++, at += TAPS) {
        const i = first[x];
        values[x - from] =
          weights[at] * mixed[i] +
          weights[at + 1] * mixed[i + 1] +
          weights[at + 2] * mixed[i + 2] +
          weights[at + 3] * mixed[i + 3];
      }
      line(y, from, to, values);
    }
  }

  /** Where the logits are above `threshold`: `(height, width)` of 0 and 1. */
  binary(logits: Float32Array, threshold: number): Uint8Array {
    const { width, height } = this.fit;
    const data = new Uint8Array(width * height);
    this.scan(logits, threshold, (y, from, to, values) => {
      for (let x = from; x < to; x++) if (values[x - from] > threshold) data[y * width + x] = 1;
    });
    return data;
  }

  /** Area and box of {@link LowMaskReader.binary}, and its stability, without drawing it. */
  measure(
    logits: Float32Array,
    threshold: number,
    offset: number,
  ): { readonly area: number; readonly box: Box; readonly stability: number } {
    const [inner, outer] = [threshold + offset, threshold - offset];
    let [within, area, all] = [0, 0, 0];
    let [left, top, right, bottom] = [this.fit.width, -1, 0, 0];
    this.scan(logits, outer, (y, from, to, values) => {
      let here = 0;
      for (let x = from; x < to; x++) {
        const value = values[x - from];
        if (!(value > outer)) continue;
        all++;
        if (value > inner) within++;
        if (!(value > threshold)) continue;
        here++;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
      }
      if (here === 0) return;
      area += here;
      if (top < 0) top = y;
      bottom = y + 1;
    });
    const box: Box = area === 0 ? [0, 0, 0, 0] : [left, top, right - left, bottom - top];
    return { area, box, stability: all === 0 ? 0 : within / all };
  }
}

/** Cells above a level; `undefined` if there are none. */
function boundsAbove(logits: Float32Array, cells: number, least: number) {
  let [left, top, right, bottom] = [cells, -1, 0, 0];
  for (let y = 0; y < cells; y++) {
    const start = y * cells;
    let first = 0;
    while (first < cells && !(logits[start + first] > least)) first++;
    if (first === cells) continue;
    let last = cells - 1;
    while (!(logits[start + last] > least)) last--;
    if (top < 0) top = y;
    bottom = y + 1;
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
  }
  return top < 0 ? undefined : { left, top, right, bottom };
}

/** Outputs that are mixed of any input in `[from, to)`; they lie together. */
function reach(
  { first, weights }: AxisTaps,
  from: number,
  to: number,
  outputs: number,
): [start: number, end: number] {
  const touches = (o: number) => {
    for (let t = 0; t < TAPS; t++)
      if (weights[o * TAPS + t] !== 0 && first[o] + t >= from && first[o] + t < to) return true;
    return false;
  };
  let start = 0;
  while (start < outputs && !touches(start)) start++;
  let end = outputs;
  while (end > start && !touches(end - 1)) end--;
  return [start, end];
}

/** `outputs` pixels of `fitted` of `side` pixels of `cells` logits, bilinear twice. */
function composed(outputs: number, fitted: number, side: number, cells: number): AxisTaps {
  const first = new Int32Array(outputs);
  const weights = new Float32Array(outputs * TAPS);
  for (let o = 0; o < outputs; o++) {
    const outer = bilinear(o, outputs, fitted);
    const inner = outer.map(([pixel, weight]) => ({ weight, cells: bilinear(pixel, side, cells) }));
    const least = Math.min(...inner.flatMap((each) => each.cells.map(([cell]) => cell)));
    first[o] = Math.max(0, Math.min(least, cells - 1));
    for (const { weight, cells: mixed } of inner)
      for (const [cell, share] of mixed) weights[o * TAPS + cell - first[o]] += weight * share;
  }
  return { first, weights };
}

/** The two inputs between which an output lies, half-pixel centres, edges repeated. */
function bilinear(
  output: number,
  outputs: number,
  inputs: number,
): [input: number, weight: number][] {
  const at = Math.max(((output + 0.5) * inputs) / outputs - 0.5, 0);
  const left = Math.min(Math.floor(at), inputs - 1);
  const right = Math.min(left + 1, inputs - 1);
  return [
    [left, 1 - (at - left)],
    [right, at - left],
  ];
}
