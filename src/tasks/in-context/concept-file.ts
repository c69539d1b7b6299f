/**
 * The format of `.seggpt` files, version 1: a zip archive whose members are stored, so that any tool opens it.
 *
 * - `concept.json`: `{ format, version, writer, options, prompts: [{ image, masks: [{ label, name?, size, counts }] }] }`,
 *   `image` the name of a member, `size` and `counts` COCO's compressed run-lengths, `options` those of segmenting
 * - `1.png`, `2.png`, …: the pictures
 *
 * Later versions of the package read it; a change that version 1's readers would misunderstand gets another number.
 */
import { crc32 } from '../../base/crc32';
import { CheckpointError, InvalidInputError } from '../../base/errors';
import { resolveOptions } from '../../base/options';
import { utf8Bytes, utf8Text } from '../../base/text';
import { version as packageVersion } from '../../base/version';
import { memoryAccess } from '../../checkpoints/memory-access';
import { writeZip } from '../../checkpoints/write-zip';
import { readZipDirectory, type ZipMember } from '../../checkpoints/zip';
import { checkRle } from '../../masks/rle';
import type { Concept, ConceptMask, ConceptPrompt } from './concept';
import { type SegmentationOptions, segmentationSchema } from './options';

const FORMAT = 'seggpt-concept';
const VERSION = 1;
const DESCRIPTION = 'concept.json';
/** Run-lengths of a mask take some kilobytes. */
const LARGEST_DESCRIPTION = 16 << 20;
const MOST_PROMPTS = 1024;
/** Pixels of all pictures of a concept, in which a small file could ask for much memory. */
export const MOST_CONCEPT_PIXELS = 1e9;

const unsound = (detail: string, cause?: unknown) =>
  new InvalidInputError('concept', detail, { cause });
const damaged = (what: string, cause?: unknown) =>
  unsound(`is damaged: ${what} Make it anew, or copy it again.`, cause);

/** Bytes of a `.seggpt` file. */
export function packConcept({ prompts, options }: Concept): Uint8Array<ArrayBuffer> {
  const members = new Map<string, Uint8Array>();
  const description = {
    ...{ format: FORMAT, version: VERSION, writer: `seggpt ${packageVersion}`, options },
    prompts: prompts.map(({ mask }, i) => ({ image: `${i + 1}.png`, masks: mask })),
  };
  members.set(DESCRIPTION, utf8Bytes(JSON.stringify(description)));
  prompts.forEach(({ image }, i) => members.set(`${i + 1}.png`, image));
  return writeZip(members);
}

/**
 * Reads a `.seggpt` file, which may come from anywhere: everything in it is checked before a picture is decoded.
 *
 * @throws InvalidInputError if it is none, damaged, or of a later version.
 */
export async function unpackConcept(
  bytes: Uint8Array,
): Promise<{ readonly prompts: readonly ConceptPrompt[]; readonly options: SegmentationOptions }> {
  const members = await directoryOf(bytes);
  const member = (name: string, most: number) => memberOf(bytes, members, name, most);
  if (!members.has(DESCRIPTION)) throw unsound(`is a zip archive, but holds no ${DESCRIPTION}.`);
  const described = parse(member(DESCRIPTION, LARGEST_DESCRIPTION));
  if (described.format !== FORMAT) throw unsound(`holds a ${DESCRIPTION} of another format.`);
  if (!Number.isInteger(described.version)) throw damaged('its version is no number.');
  if ((described.version as number) > VERSION)
    throw unsound(
      `is of version ${String(described.version)} of the format, and this package reads ${VERSION}; update seggpt.`,
    );
  const { prompts } = described;
  if (!Array.isArray(prompts) || prompts.length === 0 || prompts.length > MOST_PROMPTS)
    throw damaged(`it must have 1 to ${MOST_PROMPTS} examples.`);
  let pixels = 0;
  const read = prompts.map((prompt: unknown, i): ConceptPrompt => {
    const masks = masksOf(prompt, i);
    const [height, width] = masks[0].size;
    pixels += width * height;
    if (pixels > MOST_CONCEPT_PIXELS) throw tooManyPixels();
    const name = `${i + 1}.png`;
    if ((prompt as { image?: unknown }).image !== name)
      throw damaged(`the picture of example ${i + 1} must be called "${name}".`);
    const image = member(name, bytes.byteLength);
    const [wide, high] = sizeOfPng(image) ?? [];
    if (wide !== width || high !== height)
      throw damaged(`"${name}" is no PNG of ${width} x ${height} pixels, as its masks are.`);
    return { image, mask: masks };
  });
  return { prompts: read, options: optionsOf(described.options) };
}

/** What is wrong with pictures that are too large together. */
export const tooManyPixels = () =>
  unsound(
    `has more than ${MOST_CONCEPT_PIXELS / 1e6} megapixels of pictures; use fewer or smaller.`,
  );

async function directoryOf(bytes: Uint8Array): Promise<ReadonlyMap<string, ZipMember>> {
  if (bytes.byteLength < 4 || bytes[0] !== 0x50 || bytes[1] !== 0x4b)
    throw unsound('is no .seggpt file; createConcept() and `seggpt prepare` make them.');
  try {
    return await readZipDirectory(memoryAccess(bytes, 'the concept'), 'zip archive');
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof RangeError)
      throw damaged('its archive cannot be read.', error);
    throw error;
  }
}

function memberOf(
  bytes: Uint8Array,
  members: ReadonlyMap<string, ZipMember>,
  name: string,
  most: number,
): Uint8Array {
  const place = members.get(name);
  if (!place) throw damaged(`"${name}" is missing.`);
  if (place.size > most) throw damaged(`"${name}" has ${place.size} bytes, more than ${most}.`);
  // A copy: what is kept holds no more than itself, and nobody can change it.
  const data = Uint8Array.from(bytes.subarray(place.offset, place.offset + place.size));
  if (crc32(data) !== place.crc) throw damaged(`the checksum of "${name}" is another.`);
  return data;
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, true));
  } catch (cause) {
    throw damaged(`${DESCRIPTION} is no JSON.`, cause);
  }
  if (typeof value !== 'object' || value === null) throw damaged(`${DESCRIPTION} is no object.`);
  return value as Record<string, unknown>;
}

function masksOf(prompt: unknown, i: number): ConceptMask[] {
  const { masks } = Object(prompt) as { masks?: unknown };
  if (!Array.isArray(masks) || masks.length === 0 || masks.length > 255)
    throw damaged(`example ${i + 1} must have 1 to 255 masks.`);
  const read = masks.map((mask: unknown): ConceptMask => {
    const { label, name, size, counts } = Object(mask) as Record<string, unknown>;
    if (!(Number.isInteger(label) && (label as number) >= 1 && (label as number) <= 255))
      throw damaged(`a mask of example ${i + 1} has no label from 1 to 255.`);
    if (name !== undefined && typeof name !== 'string')
      throw damaged(`the name of the label ${String(label)} is no text.`);
    if (typeof counts !== 'string')
      throw damaged(`the mask of the label ${String(label)} is no run-lengths.`);
    const rle = { size: size as [number, number], counts };
    try {
      checkRle(rle);
    } catch (error) {
      if (error instanceof InvalidInputError) throw damaged(error.detail, error);
      throw error;
    }
    return { label: label as number, ...(name !== undefined && { name }), ...rle };
  });
  const [[height, width], labels] = [read[0].size, new Set(read.map(({ label }) => label))];
  if (labels.size < read.length || read.some(({ size: [h, w] }) => h !== height || w !== width))
    throw damaged(`the masks of example ${i + 1} share a label, or differ in size.`);
  return read;
}

/** Width and height, as the header chunk of a PNG file has them (W3C PNG specification, section 11.2.1). */
function sizeOfPng(bytes: Uint8Array): [number, number] | undefined {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (bytes.byteLength < 33 || !signature.every((byte, i) => bytes[i] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getUint32(16), view.getUint32(20)];
}

function optionsOf(given: unknown): SegmentationOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw damaged('its options are no object.');
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(segmentationSchema, name));
  if (unknown !== undefined)
    throw unsound(`has the option "${unknown}", which this package does not know; update seggpt.`);
  return conceptOptions(given);
}

/**
 * Of a call's options those that a concept keeps.
 *
 * @throws InvalidInputError naming the option that is wrong, or that cannot be kept.
 */
export function conceptOptions(given: SegmentationOptions): SegmentationOptions {
  resolveOptions(segmentationSchema, given);
  if (given.colors === 'mask')
    throw new InvalidInputError(
      'colors',
      'cannot be "mask" in a concept, which keeps labels and not the colours of masks.',
    );
  return Object.fromEntries(
    Object.entries(given).filter(
      ([name, value]) => Object.hasOwn(segmentationSchema, name) && value !== undefined,
    ),
  );
}
