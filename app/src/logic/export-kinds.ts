/** What pictures can be saved as, the most asked for first; all but masks and overlays are kinds of `AnnotationSet`. */
export const exportKinds = [
  'coco',
  'masks',
  'overlays',
  'yolo',
  'label-studio',
  'cvat',
  'labelme',
  'voc',
  'panoptic',
  'geojson',
] as const;
export type ExportKind = (typeof exportKinds)[number];
