import type { Decoded, Upsampling } from '../../colors/decode';
import type { Region } from '../../images/crop';
import { resizeBicubic, resizeNearest } from '../../images/resize';
import { resizePlane } from '../../images/resize-plane';
import type { MergedFits } from './passes';

/**
 * Blends tiles into one picture of labels. Where tiles overlap, what fits in each counts the more the farther the pixel is from the
 * tile's edge. Tiles come row by row; fits are kept for one row of them and let go as soon as no other tile reaches them, so
 * memory grows with the width of a picture, not with its area.
 */
export class TileBlend {
  private readonly labels: Uint8Array;
  /** How well each label fits, 0 … 255: a number of a byte for each pixel. */
  private readonly fits: Uint8Array;
  private readonly scoreSums = new Float64Array(256);
  private readonly painted: Uint8Array;
  /** First row that is not decoded yet. */
  private top = 0;
  private readonly weights: Float32Array;
  /** By label, 0 for background: `(rows, width)` from `top` on, times weights. Labels come when they are first seen. */
  private readonly planes = new Map<number, Float32Array>();

  /** @param rows of the highest tile. */
  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly rows: number,
    private readonly upsampling: Upsampling,
  ) {
    this.labels = new Uint8Array(width * height);
    this.fits = new Uint8Array(width * height);
    this.painted = new Uint8Array(width * height * 3);
    this.weights = new Float32Array(width * rows);
  }

  /** No tile that begins above this row comes any more. */
  startRow(y: number): void {
    this.decode(y);
  }

  /**
   * @param painting `(height, width, 3)` 8-bit, of the fits' size.
   */
  add(region: Region, fits: MergedFits, painting: Uint8Array): void {
    const [x, y, w, h] = region;
    const { width, top } = this;
    const across = ramp(x, w, this.width);
    const down = ramp(y, h, this.height);
    fits.planes.forEach((plane, k) => {
      if (k > 0 && plane.every((fit) => fit < 0.01)) return;
      const large = this.resize(plane, fits, h, w);
      const target = this.plane(k === 0 ? 0 : fits.labels[k - 1]);
      for (let row = 0, at = 0; row < h; row++) {
        const to = (y - top + row) * width + x;
        for (let column = 0; column < w; column++, at++)
          target[to + column] += large[at] * across[column] * down[row];
      }
    });
    const colors = resizeBicubic(painting, [fits.height, fits.width, 3], [h, w]);
    for (let row = 0; row < h; row++) {
      const to = (y - top + row) * width + x;
      for (let column = 0; column < w; column++) {
        const weight = across[column] * down[row];
        const before = this.weights[to + column];
        this.weights[to + column] += weight;
        const share = weight / (before + weight);
        const pixel = ((y + row) * width + x + column) * 3;
        for (let c = 0; c < 3; c++)
          this.painted[pixel + c] = Math.round(
            share * colors[(row * w + column) * 3 + c] + (1 - share) * this.painted[pixel + c],
          );
      }
    }
  }

  /** What all tiles make together. */
  finish(): { readonly decoded: Decoded; readonly painting: Uint8Array } {
    this.decode(this.height);
    const { width, height, labels, fits, scoreSums, painted } = this;
    const scores = () => Float32Array.from(fits, (fit) => fit / 255);
    return { decoded: { width, height, labels, scoreSums, scores }, painting: painted };
  }

  private resize(plane: Float32Array, { height, width }: MergedFits, h: number, w: number) {
    return this.upsampling === 'nearest'
      ? resizeNearest(plane, [height, width, 1], [h, w])
      : resizePlane({ data: plane, stride: width, width, height }, h, w);
  }

  private plane(label: number): Float32Array {
    let plane = this.planes.get(label);
    if (!plane) this.planes.set(label, (plane = new Float32Array(this.width * this.rows)));
    return plane;
  }

  /** Decodes rows up to one, and lets go of their fits. */
  private decode(until: number): void {
    const { width, top, weights } = this;
    const count = (until - top) * width;
    if (count <= 0) return;
    const planes = [...this.planes].sort(([a], [b]) => a - b);
    for (let i = 0; i < count; i++) {
      let [best, label] = [-1, 0];
      for (const [of, plane] of planes) if (plane[i] > best) [best, label] = [plane[i], of];
      const fit = Math.min(1, best / weights[i]);
      this.labels[top * width + i] = label;
      this.fits[top * width + i] = Math.round(fit * 255);
      this.scoreSums[label] += fit;
    }
    for (const [label, plane] of planes) {
      shift(plane, count);
      if (plane.every((fit) => fit === 0)) this.planes.delete(label);
    }
    shift(weights, count);
    this.top = until;
  }
}

/** Moves numbers to the front, and zeros behind them. */
function shift(plane: Float32Array, by: number): void {
  plane.copyWithin(0, by);
  plane.fill(0, Math.max(0, plane.length - by));
}

/** Weights along a tile's side: less towards an edge that other tiles overlap, full at the picture's own. */
function ramp(start: number, length: number, limit: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const before = start === 0 ? Infinity : i + 0.5;
    const after = start + length === limit ? Infinity : length - i - 0.5;
    return Math.min(1, (4 * Math.min(before, after)) / length);
  });
}
