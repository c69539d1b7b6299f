import type { SegmentationResult } from '../result';

/** Results as a COCO annotation file (cocodataset.org, "Data format", object detection). */
export function toCoco(
  results: readonly { readonly file: string; readonly result: SegmentationResult }[],
): object {
  const categories = new Map<number, string>();
  const annotations: object[] = [];
  const images = results.map(({ file, result }, i) => {
    for (const mask of result.masks) {
      categories.set(mask.label, mask.name);
      if (!mask.present) continue;
      annotations.push({
        id: annotations.length + 1,
        image_id: i + 1,
        category_id: mask.label,
        segmentation: mask.toRLE(),
        area: mask.area,
        bbox: mask.box,
        iscrowd: 0,
        score: mask.score,
      });
    }
    return { id: i + 1, file_name: file, width: result.width, height: result.height };
  });
  return { images, annotations, categories: [...categories].map(([id, name]) => ({ id, name })) };
}
