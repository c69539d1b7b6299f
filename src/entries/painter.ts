/** `seggpt/painter`: the model at the level of tensors, its config and its gradients, and what engines do. */
export {
  Painter,
  type PainterLoadOptions,
  type PrepareOptions,
  type PromptHalves,
  type StepOptions,
} from '../models/seggpt/painter';
export type { PaintingContext } from '../models/seggpt/painting-context';
export {
  type PainterConfig,
  parsePainterConfig,
  type PictureSize,
  vitLargeConfig,
} from '../models/seggpt/config';
export type { CanvasBatch, PaintInputs } from '../models/seggpt/inputs';
export type * from '../models/seggpt/model';
export type * from '../models/seggpt/parameters';
export type { TokenLayout } from '../models/seggpt/token-layout';
export type { ViTBlockWeights } from '../nn/vit-block';
export {
  lossAndGradients,
  type TrainingInputs,
  type TrainingStep,
} from '../models/seggpt/gradients';
export { denormalizeColors, normalizeColors } from '../models/seggpt/normalize';
export type * from '../engines/engine';
export { backendChoices, type EngineOptions, precisions } from '../engines/engine-options';
