/** `seggpt/masks`: label maps, run-lengths, polygons, colours and resizing as plain functions. */
export { Mask, type Box } from '../masks/mask';
export { LabelPicture } from '../masks/label-picture';
export { type LabelMap, labelArray, labelsOf } from '../masks/label-map';
export {
  type CompressedRle,
  compressRle,
  decodeRle,
  decompressRle,
  encodeRle,
  type Rle,
} from '../masks/rle';
export { polygonsToMask } from '../masks/fill-polygons';
export { maskToPolygons, maskToRings, type Polygon, type PolygonOptions } from '../masks/polygons';
export { overlay, type OverlayOptions } from '../masks/overlay';
export { Picture, encodeGreyPng } from '../images/picture';
export type { PixelsLike, TensorLike } from '../images/image-input';
export type { RawImage } from '../images/raw-image';
export type { Region } from '../images/crop';
export type { RgbImage } from '../images/rgb-image';
export { type Extents, resizeBicubic, resizeNearest } from '../images/resize';
export {
  type Color,
  type ColorMapping,
  colorSchemes,
  type ColorScheme,
  mapColors,
} from '../colors/color-mapping';
export { type Decoded, type Painting, upsamplings, type Upsampling } from '../colors/decode';
export { type PromptSet, type ReadPrompt, readPrompts } from '../tasks/in-context/prompts';
export type { LabelSpace } from '../masks/label-space';
export type { Annotated } from '../annotations/model/annotated';
export { CocoFile, type CocoOptions } from '../annotations/writers/coco';
