/** `seggpt/annotations`: the formats in which tools exchange what is marked in pictures, read and written as plain functions. */
export type {
  AnnotatedObject,
  AnnotatedPicture,
  Category,
  ObjectShape,
  Patch,
} from '../annotations/model/annotated-picture';
export type { TextInput } from '../annotations/model/entry';
export type { LabelTable } from '../annotations/model/label-table';
export {
  type LabelMapOptions,
  type NamedLabelMap,
  type OverlapRule,
  overlapRules,
  toLabelMap,
} from '../annotations/model/to-label-map';

export {
  findFolderPairs,
  type FolderLayout,
  type FolderPair,
  type FolderPairs,
  nameFiles,
} from '../annotations/folder-pairs';
export { readAnnotations } from '../annotations/read-annotations';
export { readCoco } from '../annotations/readers/coco';
export { readCvat } from '../annotations/readers/cvat';
export { readDavis } from '../annotations/readers/davis';
export { readLabelme } from '../annotations/readers/labelme';
export { readLabelStudio } from '../annotations/readers/label-studio';
export { readLabelTiff } from '../annotations/readers/label-tiff';
export {
  readVoc,
  readVocClasses,
  type VocClass,
  type VocOptions,
} from '../annotations/readers/voc';
export { readYolo, readYoloNames, type YoloOptions } from '../annotations/readers/yolo';

export { type Annotated, annotatedOf } from '../annotations/model/annotated';
export {
  annotationKinds,
  AnnotationSet,
  type AnnotatedFile,
  type AnnotationKind,
  type KeepFile,
} from '../annotations/writers/annotation-set';
export { CocoFile, type CocoOptions } from '../annotations/writers/coco';
export { CvatFile } from '../annotations/writers/cvat';
export { writeGeoJson } from '../annotations/writers/geojson';
export { type LabelmeOptions, writeLabelme } from '../annotations/writers/labelme';
export { LabelStudioFile, type LabelStudioOptions } from '../annotations/writers/label-studio';
export { PanopticFile } from '../annotations/writers/panoptic';
export { VocFolder } from '../annotations/writers/voc';
export { YoloDataSet } from '../annotations/writers/yolo';
