import { utf8Bytes } from '../../base/text';
import { Mask, measureLabels } from '../../masks/mask';
import type { NamedLabelMap } from './to-label-map';

/** What is written of a result: `SegmentationResult` has it. */
export interface Annotated {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** One for each label; those that are not present are written as categories alone. */
  readonly masks: readonly Mask[];
}

/** A label map in the form that writers take, with a score of 1 where a label is: what a file says is taken for sure. */
export function annotatedOf({ width, height, data, labelNames }: NamedLabelMap): Annotated {
  const measures = measureLabels(data, width, height);
  const labels = measures.flatMap(({ area }, label) =>
    label > 0 && (area > 0 || labelNames[label] !== undefined) ? [label] : [],
  );
  const masks = labels.map((label) => {
    const { area, box } = measures[label];
    const name = labelNames[label] ?? String(label);
    return new Mask(label, name, area > 0 ? 1 : 0, width, height, area, box, data);
  });
  return { width, height, masks };
}

/** The names of labels over all results that were added, in increasing order of labels. */
export class SeenLabels {
  private readonly names = new Map<number, string>();

  add({ masks }: Annotated): void {
    for (const { label, name } of masks) this.names.set(label, name);
  }

  get sorted(): [label: number, name: string][] {
    return [...this.names].sort(([a], [b]) => a - b);
  }
}

/** The pixels of a mask's box, `(height, width)` row-major, 1 inside. */
export function boxPixels(mask: Mask): Uint8Array {
  const [x, y, w, h] = mask.box;
  const [binary, width] = [mask.toBinary(), mask.width];
  const data = new Uint8Array(w * h);
  for (let row = 0; row < h; row++)
    data.set(binary.subarray((y + row) * width + x, (y + row) * width + x + w), row * w);
  return data;
}

/** JSON as a file. */
export function jsonFile(value: unknown): Uint8Array {
  return textFile(`${JSON.stringify(value, null, 1)}\n`);
}

export function textFile(text: string): Uint8Array {
  return utf8Bytes(text);
}
