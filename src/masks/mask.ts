import { type CompressedRle, compressRle, encodeRle } from './rle';
import { Raster } from '../images/raster';
import { maskToPolygons, type Polygon, type PolygonOptions } from './polygons';

/** A box in pixels: left edge, top edge, width, height (COCO's order). */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** The part of TF.js that {@link Mask.toTensor} uses. */
export interface TensorMaker<Tensor> {
  /** Makes a tensor of a matrix given row by row. */
  tensor2d(values: Int32Array, shape: [number, number], dtype: 'int32'): Tensor;
}

/** What `JSON.stringify` keeps of a mask. */
export interface MaskJson {
  /** The label in the prompts' masks, 1 … 255. */
  readonly label: number;
  /** The name given to the label, or its number. */
  readonly name: string;
  /** How sure the painting is, 0 … 1. */
  readonly score: number;
  /** Whether the target shows the label at all. */
  readonly present: boolean;
  /** In pixels. */
  readonly area: number;
  /** Smallest box around the mask, in pixels. */
  readonly box: Box;
  /** COCO's run-lengths with compressed counts. */
  readonly segmentation: CompressedRle;
}

/**
 * One label's mask in a target, at the target's size. As a file it is a grey PNG, 255 inside; on a canvas it is white inside
 * and transparent outside.
 */
export class Mask extends Raster {
  constructor(
    /** The label in the prompts' masks, 1 … 255. */
    readonly label: number,
    /** The name given to the label, or its number. */
    readonly name: string,
    /**
     * How sure the painting is, 0 … 1: the mean over the mask of each pixel's closeness to the label's
     * colour. 0 for a label that is not there.
     */
    readonly score: number,
    width: number,
    height: number,
    /** Pixels inside. */
    readonly area: number,
    /** Smallest box around the mask, all 0 where it is empty. */
    readonly box: Box,
    /** Labels of all pixels, or what makes them when they are asked for. */
    private readonly source: Uint8Array | (() => Uint8Array),
    /**
     * The evidence that the label is there at all, 0 … 1, which `minimumScore` is compared with: with `quality: 'best'` the chance
     * that the second model gives it, else how far its painted colour is on the way from black to the label's, on average over the
     * mask. A label with less is not present, and this tells how much less. Of masks that no model painted, the score.
     */
    readonly strength: number = score,
  ) {
    super(width, height);
  }

  private get labelMap(): Uint8Array {
    return typeof this.source === 'function' ? this.source() : this.source;
  }

  /** Whether the target shows the label: painted strongly enough, on enough pixels. */
  get present(): boolean {
    return this.area > 0;
  }

  /** `(height, width)` row-major, 1 inside and 0 outside, in a new array. */
  toBinary(): Uint8Array {
    return this.labelMap.map((label) => (label === this.label ? 1 : 0));
  }

  /** COCO's run-length encoding with compressed counts, as `pycocotools` reads it. */
  toRLE(): CompressedRle {
    return compressRle(encodeRle(this.toBinary(), this.height, this.width));
  }

  /**
   * Outlines along pixel edges in COCO's polygon format; filling them gives the mask back, unless a `tolerance` simplifies
   * them.
   */
  toPolygons(options?: PolygonOptions): Polygon[] {
    return maskToPolygons(this.toBinary(), this.height, this.width, options);
  }

  protected stored() {
    const { width, height } = this;
    const data = this.labelMap.map((label) => (label === this.label ? 255 : 0));
    return { width, height, channels: 1 as const, data };
  }

  protected shown(): Uint8ClampedArray<ArrayBuffer> {
    const { labelMap } = this;
    const data = new Uint8ClampedArray(this.width * this.height * 4);
    for (let i = 0; i < labelMap.length; i++) {
      if (labelMap[i] === this.label) data.fill(255, i * 4, i * 4 + 4);
    }
    return data;
  }

  /** What `JSON.stringify` keeps of it: what is known of the mask, and the mask as run-lengths. */
  toJSON(): MaskJson {
    const { label, name, score, present, area, box } = this;
    return { label, name, score, present, area, box, segmentation: this.toRLE() };
  }

  /** What `console.log` prints in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { label, name, score, area, box } = this;
    return `Mask { label ${label} "${name}", score ${score.toFixed(3)}, ${area} px, box [${box.join(', ')}] }`;
  }

  /**
   * An int32 tensor (height, width) of 0 and 1. The caller disposes it.
   *
   * @param tf the caller's TF.js, so that the tensor lives on the caller's backend.
   */
  toTensor<Tensor>(tf: TensorMaker<Tensor>): Tensor {
    return tf.tensor2d(Int32Array.from(this.toBinary()), [this.height, this.width], 'int32');
  }
}

/** Area and box of every label of a map, indexed by label. Runs of one label are measured at once. */
export function measureLabels(
  data: Uint8Array,
  width: number,
  height: number,
): { area: number; box: Box }[] {
  const area = new Float64Array(256);
  const left = new Int32Array(256).fill(width);
  const top = new Int32Array(256).fill(height);
  const right = new Int32Array(256);
  const bottom = new Int32Array(256);
  for (let y = 0; y < height; y++) {
    const end = (y + 1) * width;
    for (let i = y * width; i < end;) {
      const label = data[i];
      const start = i++;
      while (i < end && data[i] === label) i++;
      const x = start - y * width;
      area[label] += i - start;
      if (x < left[label]) left[label] = x;
      if (x + i - start > right[label]) right[label] = x + i - start;
      if (y < top[label]) top[label] = y;
      bottom[label] = y + 1;
    }
  }
  return Array.from(area, (pixels, label) => ({
    area: pixels,
    box:
      pixels > 0
        ? [left[label], top[label], right[label] - left[label], bottom[label] - top[label]]
        : [0, 0, 0, 0],
  }));
}

/** Smallest box around all labels of a map; `undefined` if it shows none. */
export function boundsOf(data: Uint8Array, width: number, height: number): Box | undefined {
  let [left, top, right, bottom] = [width, -1, 0, 0];
  for (let y = 0; y < height; y++) {
    const [start, end] = [y * width, (y + 1) * width];
    let first = start;
    while (first < end && data[first] === 0) first++;
    if (first === end) continue;
    let last = end - 1;
    while (data[last] === 0) last--;
    if (top < 0) top = y;
    left = Math.min(left, first - start);
    right = Math.max(right, last - start + 1);
    bottom = y + 1;
  }
  return top < 0 ? undefined : [left, top, right - left, bottom - top];
}
