/** What the package exports. Nothing else happens here. */
export {
  segmentInContext,
  releaseModels,
  type SegmentInContextOptions,
} from './segment-in-context';
export { InContextSegmenter, type SegmentOptions } from './segmenter';
export { PreparedPrompts, type RunOptions, type TargetOptions } from './prepared-prompts';
export type { Prompt, PromptSet, ReadPromptOptions } from './prompts';
export {
  ensembles,
  type Ensemble,
  type ResolvedOptions,
  type SegmentationOptions,
  tasks,
} from './pipeline';
export { SegmentationResult } from './result';

export { Tracker, type TrackedFrame } from './video/tracker';
export type { TrackOptions } from './video/options';
export type { FrameSource, TrackFramesOptions } from './video/track';

export { Mask, type Box } from './masks/mask';
export type { LabelMap } from './masks/label-map';
export { Picture, type OverlayOptions } from './masks/overlay';
export {
  type CompressedRle,
  compressRle,
  decodeRle,
  decompressRle,
  encodeRle,
  type Rle,
} from './masks/rle';
export { maskToPolygons, type Polygon, polygonsToMask } from './masks/polygons';

export type { ImageInput, PixelsLike, TensorLike } from './images/image-input';
export type { RawImage } from './images/raw-image';
export type { Region } from './images/crop';
export type { RgbImage } from './images/rgb-image';
export { resizeBicubic, resizeNearest } from './images/resize';

export {
  type Color,
  type ColorMapping,
  colorSchemes,
  type ColorScheme,
  mapColors,
} from './colors/color-mapping';
export { type Decoded, type Painting, upsamplings, type Upsampling } from './colors/decode';
export { denormalizeColors, normalizeColors } from './canvas/normalize';

export {
  Painter,
  type PainterLoadOptions,
  type PromptHalves,
  type StepOptions,
} from './painter/painter';
export type { PaintingContext } from './painter/painting-context';
export {
  type PainterConfig,
  parsePainterConfig,
  type PictureSize,
  vitLargeConfig,
} from './painter/config';
export type { CanvasBatch, PaintInputs } from './painter/inputs';
export type {
  BlockOutput,
  DecodePlan,
  ForwardOptions,
  Grid,
  PainterModel,
  Positions,
  Stream,
  Task,
} from './painter/model';
export type {
  BlockParameters,
  PainterParameters,
  ParameterPlace,
  RelativeTables,
} from './painter/parameters';
export type { ViTBlockWeights } from './painter/vit-block';
export { lossAndGradients, type TrainingInputs, type TrainingStep } from './painter/gradients';

export {
  backendChoices,
  type BackendChoice,
  precisions,
  type Precision,
} from './engines/create-engine';
export type {
  AttentionOptions,
  Engine,
  EngineMemory,
  EngineTensor,
  LayerNormWeights,
  LinearOptions,
  LinearWeights,
  LoadLinearOptions,
  PaintingGrid,
  PaintingHeadWeights,
  RelativePosition,
  RowRange,
  StoredTensor,
  StoredType,
  TokenLayout,
} from './engines/engine';
export type { CheckpointSource, OpenOptions } from './checkpoints/open-checkpoint';
export type { HubOptions } from './checkpoints/hub';
export type { Progress } from './checkpoints/progress';
export type { TensorEntry, TensorSource } from './checkpoints/tensor-source';

export {
  AbortedError,
  BackendError,
  CheckpointError,
  DisposedError,
  DownloadError,
  ImageError,
  InvalidInputError,
  SegGptError,
  VideoError,
} from './errors';
