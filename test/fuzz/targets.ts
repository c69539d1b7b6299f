/** What is fuzzed: each reader with sound inputs to change. Files of the tests are the material. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeInNode } from '../../src/adapters/node/decode-image';
import { readPpmStream } from '../../src/adapters/node/ppm-stream';
import { decodeBrush, encodeBrush } from '../../src/annotations/formats/brush-rle';
import { readAnnotations } from '../../src/annotations/read-annotations';
import { readLabelTiff } from '../../src/annotations/readers/label-tiff';
import { readYolo, readYoloNames } from '../../src/annotations/readers/yolo';
import { readVocClasses } from '../../src/annotations/readers/voc';
import type { CheckpointFiles } from '../../src/checkpoints/checkpoint-files';
import { memoryAccess } from '../../src/checkpoints/memory-access';
import { parseListing } from '../../src/checkpoints/hub-listing';
import { readPickle } from '../../src/checkpoints/pickle';
import { openPth } from '../../src/checkpoints/pth';
import { openSafetensors } from '../../src/checkpoints/safetensors';
import { writeZip } from '../../src/checkpoints/write-zip';
import { openSharded } from '../../src/checkpoints/sharded';
import type { TensorSource } from '../../src/checkpoints/tensor-source';
import { decodeLimits } from '../../src/images/decode-limits';
import { decodeFile } from '../../src/images/decode-file';
import { maskToPolygons } from '../../src/masks/polygons';
import { polygonsToMask } from '../../src/masks/fill-polygons';
import { compressRle, decodeRle, encodeRle } from '../../src/masks/rle';
import { parseContextConfig } from '../../src/models/context/config';
import { readModel } from '../../src/models/family';
import { parseDinoConfig } from '../../src/models/dino/config';
import { parseSamConfig, samBaseConfig, toSamJson } from '../../src/models/sam/config';
import { parseInputSize, parsePainterConfig } from '../../src/models/seggpt/config';
import { unpackConcept } from '../../src/tasks/in-context/concept-file';
import { encodedFromBytes } from '../../src/tasks/interactive/encoded-bytes';
import { pickleState, type StatePickle, zip } from '../helpers/archive';
import { miniConfig, randomTensors, safetensors } from '../helpers/tiny-checkpoint';
import { type Dice, mutateBytes, mutateJson } from './mutators';

/** Feeds a reader one input; errors of the package mean that it was refused, all others are faults. */
export type Target = (dice: Dice) => unknown;

const utf8 = new TextEncoder();
const fixtures = 'test/fixtures';
const files = (folder: string, end: string) =>
  readdirSync(join(fixtures, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => new Uint8Array(readFileSync(join(fixtures, folder, name))))
    .filter(({ length }) => length < 20_000);
const jsons = (folder: string) =>
  files(folder, '.json').map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown);

const weights = safetensors(randomTensors());
const headerLength = Number(new DataView(weights.buffer).getBigUint64(0, true));
const header = JSON.parse(Buffer.from(weights.subarray(8, 8 + headerLength)).toString()) as object;
const pickles = (
  JSON.parse(readFileSync(join(fixtures, 'pickles.json'), 'utf8')) as { data: string }[]
).map(({ data }) => new Uint8Array(Buffer.from(data, 'base64')));
const tensor = { shape: [3, 4], strides: [4, 1] };
const stateDicts: StatePickle[] = [
  { a: tensor, b: { ...tensor, key: '1' } },
  { model: { a: tensor, 'b.weight': { ...tensor, strides: [1, 3] }, step: 3 } },
];
const states = stateDicts.map((state) => Uint8Array.from(pickleState(state)));
const limits = decodeLimits({ maxPixels: 1e6 });
const pictures = [...files('masks', '.png'), ...files('annotations', '.png')];
const photographs = [...files('masks', '.jpg'), ...pictures];
const tiffs = files('annotations', '.tif');
const annotations = jsons('annotations');
const cvat = new Uint8Array(readFileSync(join(fixtures, 'annotations/cvat.xml')));
const sharded = {
  weight_map: Object.fromEntries(
    Object.keys(header).map((name, i) => [name, `${i % 2 ? 'a' : 'b'}.safetensors`]),
  ),
};
const archive = (pickle: Uint8Array) =>
  zip({
    ...{ 'a/data.pkl': pickle, 'a/byteorder': utf8.encode('little') },
    ...{ 'a/data/0': new Uint8Array(400), 'a/data/1': new Uint8Array(48) },
  });

const pixel = pictures.find((bytes) => bytes.length > 40) as Uint8Array;
const pixelSize = new DataView(pixel.buffer, pixel.byteOffset);
const [wide, high] = [pixelSize.getUint32(16), pixelSize.getUint32(20)];
const conceptJson = {
  ...{ format: 'seggpt-concept', version: 1, options: { seed: 3, tiles: '512px' } },
  prompts: [
    {
      image: '1.png',
      masks: [
        { label: 1, name: 'cup', ...compressRle({ size: [high, wide], counts: [0, high * wide] }) },
      ],
    },
  ],
};

/** Mutated JSON as it would be read from a file. */
const json = (dice: Dice, value: unknown) =>
  JSON.stringify(mutateJson(dice, value) ?? null, (_, item: unknown) =>
    typeof item === 'number' && !Number.isFinite(item) ? 1.7e308 : item,
  );
const parsed = (dice: Dice, value: unknown): unknown => JSON.parse(json(dice, value));

/** A source of bytes that is asked for nothing outside them. */
function strict(bytes: Uint8Array) {
  const inner = memoryAccess(bytes, 'x');
  return {
    ...inner,
    read: (offset: number, length: number) => {
      const sound = [offset, length].every((each) => Number.isSafeInteger(each) && each >= 0);
      if (!sound) throw new Error(`read of ${length} bytes at ${offset}`);
      return inner.read(offset, length);
    },
  };
}

/** Reads a few tensors, and holds them to their shapes. */
async function readSome(source: TensorSource): Promise<TensorSource> {
  for (const [name, { shape }] of [...source.entries].slice(0, 5)) {
    const { data, dtype } = await source.read(name);
    const bytes = { F32: 4, F16: 2, BF16: 2, I8: 1 }[dtype];
    const expected = shape.reduce((a, b) => a * b, bytes);
    if (data.byteLength !== expected)
      throw new Error(`${data.byteLength} bytes for ${shape.join()}`);
  }
  return source;
}

export const targets: Readonly<Record<string, Target>> = {
  async safetensors(dice) {
    const text = utf8.encode(json(dice, header));
    const bytes = new Uint8Array(8 + text.length + weights.length - 8 - headerLength);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    bytes.set(weights.subarray(8 + headerLength), 8 + text.length);
    const input = dice.chance(0.5)
      ? bytes
      : mutateBytes(dice, weights.subarray(0, 8 + headerLength));
    readModel(
      await readSome(await openSafetensors(strict(input), dice.chance(0.7) ? miniConfig : null)),
    );
  },
  async sharded(dice) {
    const shards: CheckpointFiles = {
      origin: 'x',
      has: () => Promise.resolve(true),
      json: () => Promise.resolve(null),
      open: (name) => {
        if (!/^[\w-][\w.-]*$/.test(name)) throw new Error(`opens ${JSON.stringify(name)}`);
        const cut = weights.subarray(0, 4000);
        return Promise.resolve(strict(dice.chance(0.8) ? weights : mutateBytes(dice, cut)));
      },
    };
    readModel(await readSome(await openSharded(shards, parsed(dice, sharded), miniConfig)));
  },
  async zip(dice) {
    const state = dice.chance(0.5) ? states[0] : mutateBytes(dice, dice.pick(states));
    const bytes = archive(state);
    await readSome(
      await openPth(strict(dice.chance(0.5) ? bytes : mutateBytes(dice, bytes)), miniConfig),
    );
  },
  pickle: (dice) => readPickle(mutateBytes(dice, dice.pick([...pickles, ...states])), 'x'),
  config(dice) {
    const config = parsePainterConfig(parsed(dice, miniConfig));
    const size = parseInputSize(parsed(dice, { size: { height: 448, width: 448 } }), config, 'x');
    if (size.height * size.width > 2 ** 27) throw new Error('a huge input size');
  },
  samConfig: (dice) => parseSamConfig(parsed(dice, toSamJson(samBaseConfig)), 'x'),
  dinoConfig: (dice) =>
    parseDinoConfig(
      parsed(dice, {
        ...{ model_type: 'dinov3_vit', hidden_size: 32, num_attention_heads: 2, patch_size: 8 },
        ...{ use_gated_mlp: true, num_register_tokens: 4, rope_theta: 100, layer_norm_eps: 1e-5 },
      }),
      'x',
    ),
  contextConfig: (dice) =>
    parseContextConfig(
      parsed(dice, {
        ...{ model_type: 'seggpt_context', channels: 8, width: 8, heads: 2, looks: 1, state: 8 },
        ...{ state_heads: 2, decodes: 1, waves: 1, tokens: 8 },
      }),
      'x',
    ),
  listing(dice) {
    const file = { name: 'config.json', size: 3, sha256: 'a'.repeat(64) };
    const listing = parseListing(parsed(dice, { commit: 'c'.repeat(40), files: [file, file] }));
    if (listing && !/^[0-9a-f]+$/.test(listing.commit)) throw new Error(listing.commit);
  },
  mask: (dice) =>
    decodeFile(
      mutateBytes(dice, dice.pick(pictures)),
      { purpose: 'mask', orientation: 'upright' },
      limits,
      'x',
    ),
  async picture(dice) {
    const purpose = dice.pick(['mask', 'image'] as const);
    const bytes = mutateBytes(dice, dice.pick(photographs));
    const decoded = await decodeInNode(bytes, { purpose, orientation: 'upright' }, limits, 'x');
    const { width, height, channels, data } = decoded;
    if (width * height > 1e6 || data.length !== width * height * channels)
      throw new Error(`${data.length} values for ${width} x ${height} x ${channels}`);
  },
  tiff: (dice) => readLabelTiff(mutateBytes(dice, dice.pick(tiffs))),
  annotations: (dice) => readAnnotations(json(dice, dice.pick(annotations))),
  cvat: (dice) => readAnnotations(mutateBytes(dice, cvat)),
  yolo(dice) {
    const lines = utf8.encode('0 0.5 0.5 0.1 0.2\n1 0.1 0.1 0.9 0.1 0.9 0.9\n');
    readYolo(mutateBytes(dice, lines), { width: 20, height: 10 });
    readYoloNames(mutateBytes(dice, utf8.encode('names:\n  0: cat\n  1: "dog"\n')));
    readVocClasses(
      mutateBytes(dice, utf8.encode('# label:color_rgb:parts:actions\ncat:1,2,3::\n')),
    );
  },
  rle(dice) {
    const bits = Uint8Array.from({ length: 40 }, () => dice.below(2));
    const sound = dice.chance(0.5) ? encodeRle(bits, 8, 5) : compressRle(encodeRle(bits, 8, 5));
    const mask = decodeRle(parsed(dice, sound) as Parameters<typeof decodeRle>[0]);
    if (mask.length > 2 ** 30) throw new Error('a huge mask');
  },
  brush(dice) {
    const bits = Uint8Array.from({ length: 400 }, () => dice.below(2));
    decodeBrush(mutateBytes(dice, Uint8Array.from(encodeBrush(bits))), 20, 20);
  },
  polygons(dice) {
    const bits = Uint8Array.from({ length: 144 }, () => dice.below(2));
    const outlines = parsed(dice, maskToPolygons(bits, 12, 12));
    if (
      Array.isArray(outlines) &&
      outlines.every((each) => Array.isArray(each) && each.every(Number.isFinite))
    )
      polygonsToMask(outlines as number[][], 12, 12);
  },
  encoded: (dice) => encodedFromBytes(mutateBytes(dice, weights.subarray(0, 8 + headerLength))),
  async concept(dice) {
    const members = { json: json(dice, conceptJson), sound: JSON.stringify(conceptJson) };
    const changed = dice.chance(0.5);
    const bytes = writeZip(
      new Map([
        ['concept.json', utf8.encode(changed ? members.json : members.sound)],
        ['1.png', pixel],
      ]),
    );
    const { prompts } = await unpackConcept(changed ? bytes : mutateBytes(dice, bytes));
    for (const { image, mask } of prompts)
      if (image.length > bytes.length || mask.some(({ size: [h, w] }) => h * w > 1e9))
        throw new Error('more than the file has');
  },
  async frames(dice) {
    const picture = Buffer.concat([Buffer.from('P6\n5 4\n255\n'), Buffer.alloc(60, 7)]);
    const bytes = mutateBytes(dice, Buffer.concat([picture, picture]));
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += 40)
        yield await Promise.resolve(bytes.subarray(at, at + 40));
    };
    for await (const _ of readPpmStream(chunks())) continue;
  },
};
