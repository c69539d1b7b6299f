/** Concepts: what is found by one is what its prompts find, and a file that anybody may have made is refused in words. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InContextSegmenter, InvalidInputError, OutputError } from '../../../src';
import { memoryAccess } from '../../../src/checkpoints/memory-access';
import { writeZip } from '../../../src/checkpoints/write-zip';
import { readZipDirectory } from '../../../src/checkpoints/zip';
import { Concept } from '../../../src/entries/concepts';
import { compressRle } from '../../../src/masks/rle';
import { openCopying } from '../../helpers/copying-checkpoint';
import { drawn, labels, scene, squares } from '../../helpers/scenes';
import { zip } from '../../helpers/archive';

let segmenter: InContextSegmenter;
let folder: string;
let bytes: Uint8Array;
beforeAll(async () => {
  segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'seggpt-concept-'));
  const concept = await segmenter.createConcept(prompts, options);
  bytes = concept.toBytes();
});
afterAll(async () => {
  segmenter.dispose();
  await rm(folder, { recursive: true });
});

/** Red is label 1, green is label 7. */
const prompts = [
  {
    image: scene(squares(['r', 1, 1, 3, 2], ['g', 5, 4, 2, 3])),
    mask: labels(squares(['1', 1, 1, 3, 2], ['7', 5, 4, 2, 3])),
  },
  {
    image: scene(squares(['g', 0, 1, 5, 2], ['r', 3, 4, 3, 3])),
    mask: labels(squares(['7', 0, 1, 5, 2], ['1', 3, 4, 3, 3])),
  },
];
const target = scene(squares(['r', 4, 5, 2, 3], ['g', 0, 0, 3, 2]));
const options = { labelNames: { 7: 'grass' }, seed: 5, upsampling: 'smooth' } as const;

const utf8 = new TextEncoder();
const picture = async () => (await Concept.fromBytes(bytes)).prompts[0].image;
const description = async () => {
  const { prompts: examples, options: kept } = await Concept.fromBytes(bytes);
  return {
    ...{ format: 'seggpt-concept', version: 1, options: kept as Record<string, unknown> },
    prompts: [{ image: '1.png', masks: examples[0].mask as readonly object[] }],
  };
};
/** A file whose description is given, and whose checksums are right. */
const file = (described: unknown, png: Uint8Array) =>
  writeZip(
    new Map([
      ['concept.json', utf8.encode(JSON.stringify(described))],
      ['1.png', png],
    ]),
  );

it('finds, bit for bit, what its prompts find', async () => {
  const path = join(folder, 'deep', 'grass.seggpt');
  await (await segmenter.createConcept(prompts, options)).save(path);
  const concept = await Concept.load(path);
  expect(concept.options).toEqual({ seed: 5, upsampling: 'smooth' });
  expect(concept.labels).toEqual([
    { label: 1, name: '1' },
    { label: 7, name: 'grass' },
  ]);
  const prepared = await segmenter.prepare(concept.prompts, concept.options);
  const again = await prepared.segment(target);
  const first = await segmenter.segment(prompts, target, options);
  expect(drawn(again.labelMap)).toEqual(squares(['1', 4, 5, 2, 3], ['7', 0, 0, 3, 2]));
  expect(again.labelMap).toEqual(first.labelMap);
  expect(again.scores.data).toEqual(first.scores.data);
  expect(again.painting.data).toEqual(first.painting.data);
  expect(again.toJSON()).toEqual(first.toJSON());
  prepared.dispose();
  const frames = [target, scene(squares(['g', 2, 2, 3, 2]))];
  for await (const { result } of segmenter.track(concept.prompts, frames, { seed: 5 }))
    expect(result?.masks[1]).toMatchObject({ label: 7, name: 'grass', present: true, area: 96 });
});

it('keeps a label that looks like black and white, and white itself', async () => {
  const white = labels(squares(['1', 2, 2, 3, 3]));
  const mask = { ...white, data: white.data.map((label) => label * 255) };
  const { prompts: read } = await segmenter.createConcept([
    { image: scene(squares(['r', 2, 2, 3, 3])), mask: [{ label: 255, ...rle(white) }] },
  ]);
  expect((await segmenter.segment(read, target)).masks[0]).toMatchObject({ label: 255, area: 96 });
  const plain = await segmenter.createConcept([{ image: scene(squares(['r', 2, 2, 3, 3])), mask }]);
  expect(plain.labels).toEqual([{ label: 1, name: '1' }]);
});

const rle = ({ width, height, data }: ReturnType<typeof labels>) => {
  const counts: number[] = [0];
  for (let i = 0, inside = 0; i < data.length; i++) {
    const value = data[(i % height) * width + Math.floor(i / height)];
    if (value !== inside) counts.push(0);
    inside = value;
    counts[counts.length - 1]++;
  }
  return { size: [height, width] as [number, number], counts };
};

it('comes as bytes of any kind, and in each is the same file', async () => {
  const path = join(folder, 'a.seggpt');
  await writeFile(path, bytes);
  const copy = Uint8Array.from(bytes);
  const data = `data:application/zip;base64,${Buffer.from(bytes).toString('base64')}`;
  for (const source of [path, copy, copy.buffer, new Blob([copy]), new URL(`file://${path}`), data])
    expect((await Concept.load(source)).toBytes()).toEqual(copy);
});

it('belongs to no model: another prepares its pictures for itself', async () => {
  const other = await InContextSegmenter.load(await openCopying(), { backend: 'cpu' });
  const concept = await Concept.fromBytes(bytes);
  const { labelMap } = await other.segment(concept.prompts, target, concept.options);
  expect(drawn(labelMap)).toEqual(squares(['1', 4, 5, 2, 3], ['7', 0, 0, 3, 2]));
  other.dispose();
});

describe('what cannot be kept', () => {
  it('is the colours of masks', async () => {
    await expect(segmenter.createConcept(prompts, { colors: 'mask' })).rejects.toMatchObject({
      argument: 'colors',
    });
  });

  it('is told before a picture is read', async () => {
    const none = [{ image: '/nowhere.png', mask: '/nowhere.png' }];
    await expect(segmenter.createConcept(none, { seed: -1 })).rejects.toMatchObject({
      argument: 'seed',
    });
  });

  it('is another suffix, or a path that cannot be written', async () => {
    const concept = await Concept.fromBytes(bytes);
    await expect(concept.save(join(folder, 'a.zip'))).rejects.toThrow(InvalidInputError);
    await writeFile(join(folder, 'file'), '');
    await expect(concept.save(join(folder, 'file', 'a.seggpt'))).rejects.toThrow(OutputError);
  });
});

describe('a file that is none', () => {
  const refused = async (given: Uint8Array, words: RegExp) => {
    const error: unknown = await Concept.fromBytes(given).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect((error as InvalidInputError).message).toMatch(/^concept: /);
    expect((error as InvalidInputError).message).toMatch(words);
  };

  it('is refused wherever it was cut short', async () => {
    for (let length = 0; length < bytes.length; length += 7)
      await refused(bytes.subarray(0, length), /no \.seggpt file|damaged/);
  });

  it('is refused wherever a byte of a member changed', async () => {
    const members = await readZipDirectory(memoryAccess(bytes, 'x'));
    expect(members.size).toBe(3);
    for (const { offset, size } of members.values())
      for (let at = offset; at < offset + size; at += 5) {
        const changed = Uint8Array.from(bytes);
        changed[at] ^= 16;
        await refused(changed, /is damaged: the checksum/);
      }
  });

  it('is told apart: no concept, another format, a later version, an option of later versions', async () => {
    const sound = await description();
    const png = await picture();
    await expect(Concept.fromBytes(file(sound, png))).resolves.toBeInstanceOf(Concept);
    await refused(utf8.encode('hello, world'), /no \.seggpt file/);
    await refused(zip({ 'data.pkl': [1] }), /holds no concept\.json/);
    await refused(file({ ...sound, format: 'x' }, png), /another format/);
    await refused(file({ ...sound, version: 2 }, png), /version 2 .* update seggpt/);
    await refused(file({ ...sound, options: { verve: 3 } }, png), /"verve".*update seggpt/);
    const wrong = Concept.fromBytes(file({ ...sound, options: { seed: -3 } }, png));
    await expect(wrong).rejects.toMatchObject({ argument: 'seed' });
  });

  it.each<[string, (mask: Record<string, unknown>) => unknown, RegExp]>([
    ['no masks', () => [], /1 to 255 masks/],
    ['a label that is none', (mask) => [{ ...mask, label: 256 }], /label from 1 to 255/],
    ['a label twice', (mask) => [mask, mask], /share a label/],
    ['a name that is no text', (mask) => [{ ...mask, name: 3 }], /no text/],
    ['runs that do not fill', (mask) => [{ ...mask, size: [8, 9] }], /runs cover/],
    ['runs in a list', (mask) => [{ ...mask, counts: [1] }], /no run-lengths/],
    [
      'another size than its picture',
      () => [{ label: 1, size: [1, 4], counts: '13' }],
      /no PNG of 4 x 1/,
    ],
    [
      'far too many pixels',
      () => [{ label: 1, ...compressRle({ size: [32768, 32768], counts: [2 ** 30] }) }],
      /megapixels/,
    ],
  ])('is refused for %s', async (_, change, words) => {
    const sound = await description();
    const masks = change(sound.prompts[0].masks[0] as Record<string, unknown>);
    await refused(file({ ...sound, prompts: [{ image: '1.png', masks }] }, await picture()), words);
  });

  it('is refused for pictures that are elsewhere, missing or no PNG', async () => {
    const sound = await description();
    const [{ masks }] = sound.prompts;
    const other = { ...sound, prompts: [{ image: '/etc/passwd', masks }] };
    await refused(file(other, await picture()), /must be called "1\.png"/);
    const described = utf8.encode(JSON.stringify(sound));
    await refused(writeZip(new Map([['concept.json', described]])), /"1\.png" is missing/);
    await refused(
      file(sound, utf8.encode('<svg xmlns="http://www.w3.org/2000/svg"/>')),
      /is no PNG/,
    );
  });

  it('is looked for where it may be alone', async () => {
    await expect(Concept.load('a.seggpt', { sources: ['memory'] })).rejects.toThrow(/is a path/);
    const missing = Concept.load(join(folder, 'missing.seggpt'));
    await expect(missing).rejects.toThrow(/^concept: cannot be read from .* check the path/);
    await expect(Concept.load(3 as never)).rejects.toThrow(InvalidInputError);
    const aborted = { signal: AbortSignal.abort() };
    await expect(Concept.load(join(folder, 'a.seggpt'), aborted)).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});
