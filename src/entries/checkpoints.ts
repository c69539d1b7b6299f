/**
 * `seggpt/checkpoints`: files of weights, from disk, the hub or a URL, read tensor by tensor, quantised and written; and
 * what was downloaded.
 */
export {
  type CachedModel,
  type CachedModelFilter,
  type CacheOptions,
  clearCachedModels,
  listCachedModels,
} from '../checkpoints/cached-models';
export {
  type CheckpointSource,
  openCheckpoint,
  type OpenOptions,
} from '../checkpoints/open-checkpoint';
export type { HubOptions } from '../checkpoints/hub';
export type { TensorEntry, TensorSource } from '../checkpoints/tensor-source';
export type { StoredTensor, StoredType } from '../tensors/stored-tensor';
export { toFloat32 } from '../tensors/element-types';
export { writeSafetensors } from '../checkpoints/write-safetensors';
export { quantizeCheckpoint } from '../models/quantize-checkpoint';
export type { ParameterKind, ParameterSpec } from '../models/parameter-table';
export { familyOf, type ModelDescription, type ModelFamily, readModel } from '../models/family';
