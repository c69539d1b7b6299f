import type { Mask } from '../masks/mask';

/** What is written of a result: `SegmentationResult` has it. */
export interface Annotated {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** One for each label. */
  readonly masks: readonly Mask[];
}

/**
 * A COCO annotation file (cocodataset.org, "Data format", object detection), built as results come. It keeps
 * what the file will say and none of the results: a video has thousands.
 */
export class CocoFile {
  private readonly images: object[] = [];
  private readonly annotations: object[] = [];
  private readonly categories = new Map<number, string>();

  /** Adds a picture's masks; those that are not present add a category alone. */
  add(file: string, { width, height, masks }: Annotated): void {
    const id = this.images.length + 1;
    this.images.push({ id, file_name: file, width, height });
    for (const mask of masks) {
      this.categories.set(mask.label, mask.name);
      if (!mask.present) continue;
      this.annotations.push({
        id: this.annotations.length + 1,
        image_id: id,
        category_id: mask.label,
        segmentation: mask.toRLE(),
        area: mask.area,
        bbox: mask.box,
        iscrowd: 0,
        score: mask.score,
      });
    }
  }

  /** Whether no result was added. */
  get empty(): boolean {
    return this.images.length === 0;
  }

  /** The file's bytes: JSON in UTF-8. */
  encode(): Uint8Array {
    const { images, annotations } = this;
    const categories = [...this.categories].map(([id, name]) => ({ id, name }));
    return new TextEncoder().encode(JSON.stringify({ images, annotations, categories }, null, 1));
  }
}
