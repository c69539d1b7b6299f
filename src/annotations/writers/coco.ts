import type { PolygonOptions } from '../../masks/polygons';
import { type Annotated, jsonFile, SeenLabels } from '../model/annotated';

/** What a COCO file is written with. */
export interface CocoOptions extends PolygonOptions {
  /**
   * How masks are written: as compressed run-lengths, which are exact, or as polygons along pixel edges, which more tools let
   * people edit; holes are joined to their outlines by cuts.
   * @default 'rle'
   */
  readonly segmentation?: 'rle' | 'polygons';
}

/**
 * A COCO annotation file (cocodataset.org, "Data format", object detection), built as results come: one annotation for each
 * mask that is present, with its score, and one category for each label, whose id is the label. It keeps what the file will
 * say and none of the results: a video has thousands.
 */
export class CocoFile {
  private readonly images: object[] = [];
  private readonly annotations: object[] = [];
  private readonly labels = new SeenLabels();

  constructor(private readonly options: CocoOptions = {}) {}

  /**
   * Adds a picture's masks; those that are not present add a category alone.
   *
   * @param file what the picture is called in the file.
   */
  add(file: string, result: Annotated): void {
    const { width, height, masks } = result;
    const { segmentation = 'rle', tolerance } = this.options;
    const id = this.images.length + 1;
    this.images.push({ id, file_name: file, width, height });
    this.labels.add(result);
    for (const mask of masks) {
      if (!mask.present) continue;
      this.annotations.push({
        id: this.annotations.length + 1,
        image_id: id,
        category_id: mask.label,
        segmentation: segmentation === 'rle' ? mask.toRLE() : mask.toPolygons({ tolerance }),
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
    const { images, annotations, labels } = this;
    const categories = labels.sorted.map(([id, name]) => ({ id, name, supercategory: '' }));
    return jsonFile({ images, annotations, categories });
  }
}
