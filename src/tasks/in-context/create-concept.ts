import { throwIfAborted } from '../../base/abort';
import { imageCodec } from '../../images/image-codec';
import { type LabelMap, labelsOf } from '../../masks/label-map';
import { compressRle, encodeRle } from '../../masks/rle';
import { Concept, type ConceptMask, type ConceptPrompt } from './concept';
import { conceptOptions, MOST_CONCEPT_PIXELS, tooManyPixels } from './concept-file';
import type { SegmentationOptions } from './options';
import type { PromptSet } from './prompts';

/**
 * Makes a concept of prompts.
 *
 * @param read reads the prompts, after the options have been checked.
 * @throws InvalidInputError for options that a concept cannot keep, and pictures too large together; what `read` throws;
 *   AbortedError
 */
export async function createConcept(
  read: () => Promise<PromptSet>,
  options: SegmentationOptions & { readonly signal?: AbortSignal },
): Promise<Concept> {
  const kept = conceptOptions(options);
  const { prompts, labels, names } = await read();
  const pixels = prompts.reduce((sum, { image }) => sum + image.width * image.height, 0);
  if (pixels > MOST_CONCEPT_PIXELS) throw tooManyPixels();
  const nameOf = new Map(labels.map((label, i) => [label, names[i]]));
  const examples: ConceptPrompt[] = [];
  for (const { image, mask } of prompts) {
    throwIfAborted(options.signal);
    const { width, height, data } = image;
    const png = await imageCodec.encodePng({ width, height, channels: 3, data });
    examples.push({ image: png, mask: masksOf(mask, nameOf) });
  }
  return new Concept(examples, kept);
}

/** A label map as one mask for each of its labels. */
function masksOf(map: LabelMap, nameOf: ReadonlyMap<number, string>): ConceptMask[] {
  const { width, height, data } = map;
  return labelsOf(map).map((label) => {
    const inside = data.map((each) => Number(each === label));
    const name = nameOf.get(label);
    // A label without a name is called by its number, which is no name of its own.
    const named = name !== undefined && name !== String(label) ? { name } : {};
    return { label, ...named, ...compressRle(encodeRle(inside, height, width)) };
  });
}
