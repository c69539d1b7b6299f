import ndarray, { type NdArray } from 'ndarray';
import type { Decoded, Painting } from '../../colors/decode';
import { place, type Region } from '../../images/crop';
import { resizeBicubic } from '../../images/resize';
import type { RgbImage } from '../../images/rgb-image';
import { type LabelMap, labelArray } from '../../masks/label-map';
import { Mask, measureLabels } from '../../masks/mask';
import { Picture } from '../../images/picture';
import { overlay, type OverlayOptions } from '../../masks/overlay';

/** What a target's painting was decoded into. Everything is at the target's own size. */
export class SegmentationResult {
  readonly width: number;
  readonly height: number;
  /** (H, W), uint8: the label of each pixel, 0 = background. */
  readonly labelMap: NdArray<Uint8Array>;
  /** (H, W), float32: how well the label (or background) fits each pixel, 0 … 1. */
  readonly scores: NdArray<Float32Array>;
  /** One for each label that the prompts show, in increasing order, whether the target shows it or not. */
  readonly masks: readonly Mask[];
  private readonly map: LabelMap;

  constructor(
    private readonly image: RgbImage,
    decoded: Decoded,
    labels: readonly number[],
    names: readonly string[],
    private readonly paintings: readonly Painting[],
    /** The engine that painted, e.g. `'wasm'`. */
    readonly engine: string,
    /** The part of the target that was painted. */
    private readonly region: Region = [0, 0, decoded.width, decoded.height],
  ) {
    const { width, height } = decoded;
    this.width = width;
    this.height = height;
    this.map = { width, height, data: decoded.labels };
    this.labelMap = labelArray(this.map);
    this.scores = ndarray(decoded.scores, [height, width]);
    const sums = new Float64Array(256);
    for (let i = 0; i < decoded.labels.length; i++) sums[decoded.labels[i]] += decoded.scores[i];
    const measures = measureLabels(decoded.labels, width, height);
    this.masks = labels.map((label, i) => {
      const { area, box } = measures[label];
      const score = area > 0 ? sums[label] / area : 0;
      return new Mask(label, names[i], score, width, height, area, box, decoded.labels);
    });
  }

  /**
   * The raw painted colours at the target's size (of the first pass, where there were several); black outside of the
   * region that was painted.
   */
  get painting(): Picture {
    const { data, width, height } = this.paintings[0];
    const rounded = Uint8Array.from(data, Math.round);
    const [, , w, h] = this.region;
    const painted = resizeBicubic(rounded, [height, width, 3], [h, w]);
    return new Picture(
      this.width,
      this.height,
      place(painted, 3, this.region, this.width, this.height),
    );
  }

  /**
   * The raw painted colours as the model left them: (h, w, 3) float32 RGB 0 … 255 at the size of half a
   * canvas, one for each colour mapping and pass. A tracker that follows objects paints a region of its frame.
   */
  get rawPaintings(): readonly Painting[] {
    return this.paintings;
  }

  /** The target with its labels painted over. */
  overlay(options?: OverlayOptions): Picture {
    return overlay(this.image, this.map, options);
  }

  /** The label map as a picture of one channel, for saving as PNG. */
  get labels(): LabelMap {
    return this.map;
  }
}
