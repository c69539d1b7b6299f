/** `seggpt/concepts`: examples in a file that any segmenter takes. */
export {
  Concept,
  type ConceptLabel,
  type ConceptLoadOptions,
  type ConceptMask,
  type ConceptPrompt,
} from '../tasks/in-context/concept';
export type { SegmentationOptions } from '../tasks/in-context/options';
export type { CompressedRle } from '../masks/rle';
