import { number, type OptionSchema, type Resolved, whole, withDefault } from '../../base/options';
import type { RunOptions } from '../../base/progress';

/** How `everything` looks for masks; names and defaults are those of SAM's automatic mask generator. */
export interface EverythingOptions extends RunOptions {
  /** Points of the grid along each side of the picture. @default 32 */
  readonly pointsPerSide?: number;
  /** Points that are decoded together. @default 64 */
  readonly pointsPerBatch?: number;
  /** Least IoU that the model must expect of a mask, 0 … 1. @default 0.88 */
  readonly predIouThreshold?: number;
  /** Least stability of a mask, 0 … 1. @default 0.95 */
  readonly stabilityScoreThreshold?: number;
  /** By how much the threshold is moved up and down to measure stability, in logits. @default 1 */
  readonly stabilityScoreOffset?: number;
  /** IoU of boxes from which the lesser mask is dropped, 0 … 1. @default 0.7 */
  readonly boxNmsThreshold?: number;
  /** Layers of crops that are searched as well, each with twice as many to a side; 0 for the picture alone. @default 0 */
  readonly cropLayers?: number;
  /** IoU of boxes from which the mask of the larger crop is dropped, 0 … 1. @default 0.7 */
  readonly cropNmsThreshold?: number;
  /** By what part of the picture's shorter side crops of the first layer overlap. @default 512 / 1500 */
  readonly cropOverlapRatio?: number;
  /** By what the grid is coarser in each layer of crops. @default 1 */
  readonly cropPointsDownscaleFactor?: number;
  /** Holes and islands smaller than this are removed, in pixels; 0 leaves all. @default 0 */
  readonly minMaskRegionArea?: number;
}

const part = (about: string, fallback: number) => withDefault(number(about, 0, 1), fallback);

/** The options of `everything`, as data. */
export const everythingSchema = {
  pointsPerSide: withDefault(whole('points of the grid along each side', 1, 256), 32),
  pointsPerBatch: withDefault(whole('points that are decoded together', 1, 1024), 64),
  predIouThreshold: part('least IoU the model must expect of a mask', 0.88),
  stabilityScoreThreshold: part('least stability of a mask', 0.95),
  stabilityScoreOffset: withDefault(
    number('by how much the threshold moves to measure stability, in logits', 0, 100),
    1,
  ),
  boxNmsThreshold: part('IoU of boxes from which the lesser mask is dropped', 0.7),
  cropLayers: withDefault(whole('layers of crops that are searched as well', 0, 4), 0),
  cropNmsThreshold: part('IoU of boxes from which the mask of the larger crop is dropped', 0.7),
  cropOverlapRatio: part('by what part of the shorter side crops overlap', 512 / 1500),
  cropPointsDownscaleFactor: withDefault(
    whole('by what the grid is coarser in each layer of crops', 1, 16),
    1,
  ),
  minMaskRegionArea: withDefault(
    whole('holes and islands smaller than this are removed, in pixels', 0, 2 ** 31),
    0,
  ),
} satisfies OptionSchema<Omit<EverythingOptions, keyof RunOptions>>;

export type ResolvedEverything = Resolved<typeof everythingSchema>;
