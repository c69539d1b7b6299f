import { encodeGreyPng } from '../../images/picture';
import type { PolygonOptions } from '../../masks/polygons';
import { base64Of } from '../formats/base64';
import { type Annotated, boxPixels, jsonFile } from '../model/annotated';

/** What a labelme file is written with. */
export interface LabelmeOptions extends PolygonOptions {
  /**
   * How masks are written: as polygons along pixel edges, which people edit, or as masks, which labelme reads from version
   * 5.2 on. Both give the mask back; holes of polygons are joined to their outlines by cuts.
   * @default 'polygons'
   */
  readonly shapes?: 'polygons' | 'masks';
}

/**
 * A labelme file (github.com/wkentaro/labelme, `labelme/label_file.py`) of one picture. Polygons of one mask share a
 * `group_id`, its label.
 *
 * @param image path of the picture, from the folder in which the file will be: labelme opens it from there.
 */
export async function writeLabelme(
  image: string,
  { width, height, masks }: Annotated,
  { shapes = 'polygons', tolerance }: LabelmeOptions = {},
): Promise<Uint8Array> {
  const written: object[] = [];
  for (const mask of masks) {
    if (!mask.present) continue;
    const shape = { label: mask.name, group_id: null as number | null, description: '', flags: {} };
    if (shapes === 'masks') {
      const [x, y, w, h] = mask.box;
      const png = await encodeGreyPng(boxPixels(mask), w, h);
      const points = [
        [x, y],
        [x + w - 1, y + h - 1],
      ];
      written.push({ ...shape, points, shape_type: 'mask', mask: base64Of(png) });
      continue;
    }
    const polygons = mask.toPolygons({ tolerance });
    if (polygons.length > 1) shape.group_id = mask.label;
    for (const polygon of polygons) {
      const points = Array.from({ length: polygon.length / 2 }, (_, i) =>
        polygon.slice(i * 2, i * 2 + 2),
      );
      written.push({ ...shape, points, shape_type: 'polygon', mask: null });
    }
  }
  return jsonFile({
    version: '5.5.0',
    flags: {},
    shapes: written,
    imagePath: image,
    imageData: null,
    imageHeight: height,
    imageWidth: width,
  });
}
