import type { PolygonOptions } from '../../masks/polygons';
import { type Annotated, textFile } from '../model/annotated';

/** Digits behind the point: half a pixel of a picture of a million pixels in a row. */
const DIGITS = 6;

/**
 * A YOLO data set for segmentation (docs.ultralytics.com, "Instance Segmentation Datasets Overview"), built as results come: a
 * text file for each picture, with a line for each region, and `data.yaml` with the names. Classes are numbered from 0 in the
 * order of labels, as far as the first result has them. The format has no holes: they are joined to their outlines by cuts of no width, so
 * that filling gives the mask back.
 */
export class YoloDataSet {
  /** Names by label, in the order of classes. */
  private readonly classes = new Map<number, string>();

  constructor(private readonly options: PolygonOptions = {}) {}

  /**
   * Adds a picture's masks.
   *
   * @returns the bytes of its text file, to be called as the picture and put into `labels/`.
   */
  add({ width, height, masks }: Annotated): Uint8Array {
    for (const { label, name } of [...masks].sort((a, b) => a.label - b.label))
      this.classes.set(label, name);
    const order = [...this.classes.keys()];
    const lines = masks
      .filter(({ present }) => present)
      .flatMap((mask) =>
        mask.toPolygons(this.options).map((polygon) => {
          const shares = polygon.map((value, i) =>
            Number((value / (i % 2 === 0 ? width : height)).toFixed(DIGITS)),
          );
          return `${[order.indexOf(mask.label), ...shares].join(' ')}\n`;
        }),
      );
    return textFile(lines.join(''));
  }

  /** `data.yaml`, with names; paths of pictures are for who trains to add. */
  encodeNames(): Uint8Array {
    const names = [...this.classes.values()].map((name, i) => `  ${i}: ${JSON.stringify(name)}\n`);
    return textFile(`names:\n${names.join('')}`);
  }
}
