/** `seggpt/features`: what image encoders see of pictures: DINO, DINOv2, DINOv3, MAE, and SAM's, the bundled one included. */
export {
  FeatureExtractor,
  type FeatureLoadOptions,
  type FeatureOptions,
} from '../tasks/features/feature-extractor';
export { FeatureGrid, type FeatureGridParts } from '../tasks/features/feature-grid';
export {
  Dino,
  type DinoLoadOptions,
  type DinoStepOptions,
  type DinoTokens,
} from '../models/dino/dino';
export type { DinoConfig, DinoModelType, DinoPositions } from '../models/dino/config';
