import ndarray, { type NdArray } from 'ndarray';
import type { Decoded, Painting } from '../../colors/decode';
import { place, type Region } from '../../images/crop';
import { Picture } from '../../images/picture';
import type { Strengths } from './present-labels';
import { resizeAsTorch, resizeBicubic } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';
import { labelArray } from '../../masks/label-map';
import { LabelPicture } from '../../masks/label-picture';
import { Mask, type MaskJson, measureLabels } from '../../masks/mask';
import { overlay, type OverlayOptions } from '../../masks/overlay';

/** What a result is made from. */
export interface ResultParts {
  /** The whole target. */
  readonly image: RgbImage;
  /** The decoded region, at its own size. */
  readonly decoded: Decoded;
  /** Every label that the prompts show, and a name for each. */
  readonly labels: readonly number[];
  readonly names: readonly string[];
  /** How strongly each label was painted. */
  readonly strengths?: Strengths;
  readonly paintings: readonly Painting[];
  /** What tiles painted, at the target's size: `(height, width, 3)` 8-bit. */
  readonly tiled?: Uint8Array;
  readonly engine: string;
  /** How `painting` reaches the target's size. @default 'bicubic' */
  readonly paintedBack?: 'bicubic' | 'nearest';
  /** The part of the target that was painted. @default all of it */
  readonly region?: Region;
  /** The objects of its labels, where they were asked for. */
  readonly instances?: readonly Mask[];
}

/** What `JSON.stringify` keeps of a result. */
export interface ResultJson {
  /** Of the target, in pixels. */
  readonly width: number;
  /** Of the target, in pixels. */
  readonly height: number;
  /** The engine that painted. */
  readonly engine: string;
  /** One for each label that the prompts show. */
  readonly masks: readonly MaskJson[];
  /** One for each object, where objects were asked for. */
  readonly instances?: readonly MaskJson[];
}

/** What a target's painting was decoded into. Everything is at the target's own size. */
export class SegmentationResult {
  /** Of the target, in pixels. */
  readonly width: number;
  /** Of the target, in pixels. */
  readonly height: number;
  /** The label of each pixel, 0 = background: `data` is `(height, width)` row-major, uint8. */
  readonly labelMap: LabelPicture;
  /** One for each label that the prompts show, in increasing order, whether the target shows it or not. */
  readonly masks: readonly Mask[];
  /**
   * With the option `instances`: the objects that each label's mask is made of, label by label, the largest first. Together
   * they are the masks; the score of each is the intersection over union that the interactive model expects of it.
   */
  readonly instances: readonly Mask[] | undefined;
  /** The engine that painted, e.g. `'wasm'`. */
  readonly engine: string;
  private scoreArray: NdArray<Float32Array> | undefined;
  private readonly region: Region;

  constructor(private readonly parts: ResultParts) {
    const { image, decoded, labels, names, engine } = parts;
    const { width, height } = image;
    this.width = width;
    this.height = height;
    this.engine = engine;
    this.instances = parts.instances;
    this.region = parts.region ?? [0, 0, width, height];
    const labelled = place(decoded.labels, 1, this.region, width, height);
    this.labelMap = new LabelPicture(width, height, labelled);
    const measures = measureLabels(this.labelMap.data, width, height);
    this.masks = labels.map((label, i) => {
      const { area, box } = measures[label];
      const score = area > 0 ? decoded.scoreSums[label] / area : 0;
      const strength = parts.strengths?.get(label);
      return new Mask(label, names[i], score, width, height, area, box, labelled, strength);
    });
  }

  /** (H, W), uint8: {@link SegmentationResult.labelMap} as an ndarray that shares its data. */
  get labelArray(): NdArray<Uint8Array> {
    return labelArray(this.labelMap);
  }

  /**
   * (H, W), float32: how well the label (or background) fits each pixel, 0 … 1; 1 outside of the region that was
   * painted. Computed when it is first asked for.
   */
  get scores(): NdArray<Float32Array> {
    this.scoreArray ??= ndarray(this.computeScores(), [this.height, this.width]);
    return this.scoreArray;
  }

  private computeScores(): Float32Array {
    const local = this.parts.decoded.scores();
    const [x, y, w, h] = this.region;
    if (w === this.width && h === this.height) return local;
    const scores = new Float32Array(this.width * this.height).fill(1);
    for (let row = 0; row < h; row++)
      scores.set(local.subarray(row * w, (row + 1) * w), (y + row) * this.width + x);
    return scores;
  }

  /**
   * The painted colours at the target's size (of the first pass, where there were several); black outside of the
   * region that was painted.
   */
  get painting(): Picture {
    if (this.parts.tiled) return new Picture(this.width, this.height, this.parts.tiled);
    const { data, width, height } = this.parts.paintings[0];
    const rounded = Uint8Array.from(data, Math.round);
    const [, , w, h] = this.region;
    const resize = this.parts.paintedBack === 'nearest' ? resizeAsTorch : resizeBicubic;
    const painted = resize(rounded, [height, width, 3], [h, w]);
    return new Picture(
      this.width,
      this.height,
      place(painted, 3, this.region, this.width, this.height),
    );
  }

  /**
   * The painted colours as the model left them: (h, w, 3) float32 RGB 0 … 255 at the size of half a
   * canvas, one for each colour mapping and pass. A tracker that follows objects paints a region of its frame. None of tiles, which
   * are let go one by one.
   */
  get modelPaintings(): readonly Painting[] {
    return this.parts.paintings;
  }

  /** The target with its labels painted over. */
  overlay(options?: OverlayOptions): Picture {
    return overlay(this.parts.image, this.labelMap, options);
  }

  /** The same result with objects. @internal */
  withInstances(instances: readonly Mask[]): SegmentationResult {
    return new SegmentationResult({ ...this.parts, instances });
  }

  /** What `JSON.stringify` keeps of it: sizes, areas, boxes, scores, and each mask as run-lengths; no pixels. */
  toJSON(): ResultJson {
    const { width, height, engine, masks, instances } = this;
    return {
      ...{ width, height, engine, masks: masks.map((mask) => mask.toJSON()) },
      ...(instances && { instances: instances.map((mask) => mask.toJSON()) }),
    };
  }

  /** What `console.log` prints in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    _options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const { width, height, engine, masks } = this;
    return `SegmentationResult { ${width} x ${height}, engine ${engine}, masks: ${inspect(masks, {})} }`;
  }
}
