import { Picture } from '../../images/picture';
import { labelColors } from '../../masks/label-colors';
import { type Annotated, jsonFile, SeenLabels } from '../model/annotated';

/**
 * COCO's panoptic format (cocodataset.org, "Data format", panoptic segmentation; github.com/cocodataset/panopticapi): for each
 * picture a PNG whose colours are ids of segments, R + 256 G + 65536 B, and one JSON file that says what they are. Segments
 * have the colours that overlays give their labels, and further objects of a label others; categories have the labels as ids, and all are things.
 */
export class PanopticFile {
  private readonly images: object[] = [];
  private readonly annotations: object[] = [];
  private readonly labels = new SeenLabels();

  /**
   * Adds a picture's masks; those that are not present add a category alone.
   *
   * @param file what the picture is called in the file.
   * @param png what its PNG is called there; it stands in a folder of the JSON file's name.
   * @returns the PNG's bytes.
   */
  add(file: string, png: string, result: Annotated): Promise<Uint8Array> {
    const { width, height, masks } = result;
    const colors = labelColors();
    const id = this.images.length + 1;
    this.images.push({ id, file_name: file, width, height });
    this.labels.add(result);
    const data = new Uint8Array(width * height * 3);
    const segments: object[] = [];
    const used = new Set<number>();
    for (const mask of masks) {
      if (!mask.present) continue;
      const color = distinct(colors[mask.label - 1], used);
      mask.toBinary().forEach((inside, i) => inside && data.set(color, i * 3));
      segments.push({
        id: color[0] + 256 * color[1] + 65536 * color[2],
        category_id: mask.label,
        area: mask.area,
        bbox: mask.box,
        iscrowd: 0,
        score: mask.score,
      });
    }
    this.annotations.push({ image_id: id, file_name: png, segments_info: segments });
    return new Picture(width, height, data).toPng();
  }

  /** The JSON file's bytes. */
  encode(): Uint8Array {
    const { images, annotations, labels } = this;
    const colors = labelColors();
    const categories = labels.sorted.map(([id, name]) => ({
      ...{ id, name, supercategory: '' },
      ...{ isthing: 1, color: colors[id - 1] },
    }));
    return jsonFile({ images, annotations, categories });
  }
}

/** From a colour to the next try: odd, so that all of 24 bits come before one comes again. */
const STRIDE = 0x2d1b47;

/** The colour, or the next one that no segment has and that is not black. */
function distinct([red, green, blue]: readonly number[], used: Set<number>): number[] {
  let packed = (red << 16) | (green << 8) | blue;
  while (packed === 0 || used.has(packed)) packed = (packed + STRIDE) & 0xffffff;
  used.add(packed);
  return [packed >> 16, (packed >> 8) & 255, packed & 255];
}
