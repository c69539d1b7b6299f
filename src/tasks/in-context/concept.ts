import { InvalidInputError } from '../../base/errors';
import { guardMethods } from '../../base/guard';
import { shorten } from '../../base/shorten';
import { imageCodec } from '../../images/image-codec';
import type { ImageSource } from '../../images/image-input';
import { checkSource } from '../../images/read-input';
import type { CompressedRle } from '../../masks/rle';
import { packConcept, unpackConcept } from './concept-file';
import type { SegmentationOptions } from './options';

/** What one label of a prompt marks: COCO's run-lengths with the label's number and name. */
export interface ConceptMask extends CompressedRle {
  /** 1 … 255 */
  readonly label: number;
  /** What people call the label; without one it is called by its number. */
  readonly name?: string;
}

/** An example of a concept: a `Prompt` that holds its picture. */
export interface ConceptPrompt {
  /** The picture, 8-bit RGB at its own size, as the bytes of a PNG file. */
  readonly image: Uint8Array;
  /** What is marked in it, one mask a label; they do not overlap. */
  readonly mask: readonly ConceptMask[];
}

/** A label that the examples of a concept show. */
export interface ConceptLabel {
  /** 1 … 255 */
  readonly label: number;
  /** What people call it. */
  readonly name: string;
}

/** How the bytes of a concept are found. */
export interface ConceptLoadOptions {
  /** Where a string may lead; see `sources` of the segmenter. @default all */
  readonly sources?: readonly ImageSource[];
  /** Stops reading. */
  readonly signal?: AbortSignal;
}

/**
 * Examples in a file: pictures, what is marked in them, the names of labels and the options to segment with. A concept is made
 * once (`segmenter.createConcept`, `seggpt prepare`) and applied anywhere. It belongs to no model: each prepares the pictures
 * for itself, and finds what it would have found by the prompts that the concept was made of.
 *
 * @example
 * const concept = await segmenter.createConcept([{ image: 'cup-1.jpg', mask: 'cup-1.png' }]);
 * await concept.save('cup.seggpt');
 * // elsewhere
 * const { prompts, options } = await Concept.load('cup.seggpt');
 * const prepared = await segmenter.prepare(prompts, options);
 * const result = await prepared.segment('cup-2.jpg');
 */
export class Concept {
  /** Every label that the examples show, in increasing order. */
  readonly labels: readonly ConceptLabel[];

  /** @internal */
  constructor(
    /** The examples; `prepare`, `segment` and `track` take them. */
    readonly prompts: readonly ConceptPrompt[],
    /** Options of segmenting that were given when it was made; the second argument of `prepare`. */
    readonly options: SegmentationOptions,
  ) {
    const names = new Map(
      prompts.flatMap(({ mask }) =>
        mask.map(({ label, name }) => [label, name ?? String(label)] as const),
      ),
    );
    this.labels = [...names]
      .map(([label, name]) => ({ label, name }))
      .sort((a, b) => a.label - b.label);
  }

  /**
   * Reads the bytes of a `.seggpt` file. Pictures are decoded by the segmenter that they are given to, under its limits.
   *
   * @throws InvalidInputError if they are no concept, damaged, or of a later version of the format.
   */
  static async fromBytes(bytes: Uint8Array): Promise<Concept> {
    const { prompts, options } = await unpackConcept(bytes);
    return new Concept(prompts, options);
  }

  /**
   * Reads a concept from a path (Node) or URL, a `File` or other `Blob`, or bytes.
   *
   * @throws InvalidInputError if it cannot be read, or as {@link Concept.fromBytes} does; AbortedError
   */
  static async load(
    source: string | URL | Blob | Uint8Array | ArrayBuffer,
    options: ConceptLoadOptions = {},
  ): Promise<Concept> {
    return Concept.fromBytes(await bytesOf(source, options));
  }

  /** The bytes of a `.seggpt` file: a zip archive of `concept.json` and the pictures. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return packConcept(this);
  }

  /**
   * Writes a `.seggpt` file, whole or not at all (Node).
   *
   * @throws InvalidInputError for another suffix, or in browsers, which have no paths; OutputError
   */
  async save(path: string): Promise<void> {
    if (!/\.seggpt$/i.test(path))
      throw new InvalidInputError('path', `is "${path}"; name a concept NAME.seggpt.`);
    await imageCodec.save(path, this.toBytes());
  }

  /** What `JSON.stringify` keeps of it: how many examples, labels and options. */
  toJSON(): {
    readonly examples: number;
    readonly labels: readonly ConceptLabel[];
    readonly options: SegmentationOptions;
  } {
    return { examples: this.prompts.length, labels: this.labels, options: this.options };
  }
}

async function bytesOf(
  source: string | URL | Blob | Uint8Array | ArrayBuffer,
  { sources, signal }: ConceptLoadOptions,
): Promise<Uint8Array> {
  if (typeof source === 'string' || source instanceof URL) {
    const location = String(source);
    const isUrl = /^(https?|data|blob):/i.test(location);
    if (!/^(data|blob):/i.test(location))
      checkSource({ argument: 'concept', sources }, isUrl ? 'urls' : 'files');
    try {
      return await (/^(data|blob):/i.test(location)
        ? fetch(location, { signal }).then(async (held) => new Uint8Array(await held.arrayBuffer()))
        : imageCodec.read(location, signal));
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new InvalidInputError(
        'concept',
        `cannot be read from "${shorten(location)}"; check the ${isUrl ? 'address' : 'path'}.`,
        { cause },
      );
    }
  }
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return new Uint8Array(await source.arrayBuffer());
  const kind = Object.prototype.toString.call(source).slice('[object '.length, -1);
  if (kind === 'ArrayBuffer') return new Uint8Array(source as ArrayBuffer);
  if (kind === 'Uint8Array') return source as Uint8Array;
  throw new InvalidInputError('concept', 'must be a path, a URL, a Blob or the bytes of a file.');
}

guardMethods(Concept, ['fromBytes', 'load']);
guardMethods(Concept.prototype, ['toBytes', 'save']);
