/** `seggpt/evaluation` (Node): measures of masks, and episodes drawn from labelled pictures and videos. */
export { type ClickEvaluationOptions, type ClickScore, evaluateClicks } from '../evaluation/clicks';
export {
  boundary,
  boundaryAccuracy,
  regionSimilarity,
  sequenceStatistics,
  type SequenceStatistics,
} from '../evaluation/davis';
export { type GrabCut, loadGrabCut } from '../evaluation/grab-cut';
export { evaluateImages, type ImageEvaluationOptions, type ImageScore } from '../evaluation/images';
export {
  averageStatistics,
  evaluateSequence,
  findSequences,
  type Sequence,
  type SequenceScore,
} from '../evaluation/video';
