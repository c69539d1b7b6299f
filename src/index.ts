/** What the package exports. Nothing else happens here. */
export {
  segmentInContext,
  releaseModels,
  type SegmentInContextOptions,
} from './segment-in-context';
export { InContextSegmenter, type SegmentOptions } from './tasks/in-context/segmenter';
export {
  PreparedPrompts,
  type RunOptions,
  type TargetOptions,
} from './tasks/in-context/prepared-prompts';
export type { Prompt, PromptSet, ReadPromptOptions } from './tasks/in-context/prompts';
export {
  ensembles,
  type Ensemble,
  type ResolvedOptions,
  type SegmentationOptions,
  tasks,
} from './tasks/in-context/pipeline';
export { SegmentationResult } from './tasks/in-context/result';

export { Tracker, type TrackedFrame } from './tasks/tracking/tracker';
export type { TrackOptions } from './tasks/tracking/options';
export type { FrameSource, TrackFramesOptions } from './tasks/tracking/track';

export { Mask, type Box } from './masks/mask';
export type { LabelMap } from './masks/label-map';
export type { OverlayOptions } from './masks/overlay';
export { Picture } from './images/picture';
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
export { denormalizeColors, normalizeColors } from './models/seggpt/normalize';

export {
  Painter,
  type PainterLoadOptions,
  type PromptHalves,
  type StepOptions,
} from './models/seggpt/painter';
export type { PaintingContext } from './models/seggpt/painting-context';
export {
  type PainterConfig,
  parsePainterConfig,
  type PictureSize,
  vitLargeConfig,
} from './models/seggpt/config';
export type { CanvasBatch, PaintInputs } from './models/seggpt/inputs';
export type {
  BlockOutput,
  DecodePlan,
  ForwardOptions,
  Grid,
  PainterModel,
  Positions,
  Stream,
  Task,
} from './models/seggpt/model';
export type {
  BlockParameters,
  PainterParameters,
  ParameterPlace,
  RelativeTables,
} from './models/seggpt/parameters';
export type { ViTBlockWeights } from './nn/vit-block';
export {
  lossAndGradients,
  type TrainingInputs,
  type TrainingStep,
} from './models/seggpt/gradients';

export {
  backendChoices,
  type BackendChoice,
  precisions,
  type Precision,
} from './engines/create-engine';
export type { StoredTensor, StoredType } from './tensors/stored-tensor';
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
  TokenLayout,
} from './engines/engine';
export type { CheckpointSource, OpenOptions } from './checkpoints/open-checkpoint';
export type { HubOptions } from './checkpoints/hub';
export type { Progress } from './base/progress';
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
} from './base/errors';
