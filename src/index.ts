/** What most people import. Nothing else happens here; details leave by `seggpt/painter`, `seggpt/checkpoints`, … */
export {
  segmentInContext,
  releaseModels,
  type SegmentInContextOptions,
} from './segment-in-context';
export {
  InContextSegmenter,
  type SegmenterLoadOptions,
  type SegmentOptions,
} from './tasks/in-context/segmenter';
export type { Quality, Refinement, SegmentationOptions } from './tasks/in-context/options';
export type { Tiles } from './tasks/in-context/tiles-option';
export type { PreparedPrompts } from './tasks/in-context/prepared-prompts';
export type { MaskInput } from './tasks/in-context/prompt-mask';
export type {
  BoxPrompt,
  ClickedPrompt,
  PointsPrompt,
  PolygonPrompt,
  ScribblePrompt,
} from './tasks/in-context/clicked-prompt';
export type {
  MaskPrompt,
  Prompt,
  ReadPromptOptions,
  TargetOptions,
} from './tasks/in-context/prompts';
export type { ResultJson, SegmentationResult } from './tasks/in-context/result';

export {
  type EncodeOptions,
  type InteractiveLoadOptions,
  InteractiveSegmenter,
} from './tasks/interactive/interactive-segmenter';
export type { ClickOptions, ClickResult, EncodedImage } from './tasks/interactive/encoded-image';
export type { ClickPrompt, Corners, Point } from './tasks/interactive/click-prompt';
export type { EverythingOptions } from './tasks/interactive/options';
export type { InteractiveMask } from './tasks/interactive/interactive-mask';

export type { TrackedFrame, Tracker } from './tasks/tracking/tracker';
export type { ThresholdOptions, TrackOptions, TrackSettings } from './tasks/tracking/options';
export type { FrameSource, TrackFramesOptions, TrackPrompts } from './tasks/tracking/track';

export type { Box, Mask, MaskJson, TensorMaker } from './masks/mask';
export type { LabelMap } from './masks/label-map';
export type { MaskShape, OneMask, PolygonMask, RleMask } from './masks/mask-input';
export type {
  AnnotatedObject,
  AnnotatedPicture,
  Category,
  ObjectShape,
  Patch,
} from './annotations/model/annotated-picture';
export type { CompressedRle, Rle } from './masks/rle';
export type { Polygon, PolygonOptions } from './masks/polygons';
export type { LabelPicture } from './masks/label-picture';
export type { OverlayOptions } from './masks/overlay';
export type { Orientation } from './images/decoded-image';
export type { Window } from './images/ranges';
export type { BrowserPicture, ImageInput, ImageSource } from './images/image-input';
export type { Picture } from './images/picture';
export type { DrawableCanvas, Pixels, Raster } from './images/raster';

export { type TensorFlowModule, useTensorFlow } from './engines/tfjs/given-tensorflow';
export type { BackendChoice, Precision } from './engines/engine-options';
export type { CheckpointSource } from './checkpoints/open-checkpoint';
export type { Progress, RunOptions } from './base/progress';

export {
  AbortedError,
  BackendError,
  EngineLostError,
  InternalError,
  CheckpointError,
  DisposedError,
  DownloadError,
  type ErrorCode,
  ImageError,
  InvalidInputError,
  OutputError,
  SegGptError,
  VideoError,
} from './base/errors';
