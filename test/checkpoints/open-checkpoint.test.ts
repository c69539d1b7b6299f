import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkParameters } from '../../src/checkpoints/check-parameters';
import { toFloat32 } from '../../src/tensors/element-types';
import { openCheckpoint } from '../../src/checkpoints/open-checkpoint';
import { CheckpointError } from '../../src/base/errors';
import { parsePainterConfig } from '../../src/models/seggpt/config';
import { painterParameters } from '../../src/models/seggpt/parameter-table';
import { shapesOf } from '../../src/models/parameter-table';
import { Painter } from '../../src/models/seggpt/painter';
import { tinyModel } from '../helpers/reference';
import { miniConfig, randomTensors, safetensors, type Tensors } from '../helpers/tiny-checkpoint';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'seggpt-test-'))));
afterEach(() => rm(directory, { recursive: true }));

const put = (name: string, content: Uint8Array | string) =>
  writeFile(join(directory, name), content);
const tensors = randomTensors();
const bytes = safetensors(tensors);

async function firstWeights(source: Parameters<typeof openCheckpoint>[0]) {
  const checkpoint = await openCheckpoint(source);
  const values = toFloat32(await checkpoint.read('model.encoder.layers.1.mlp.lin1.weight'));
  await checkpoint.close();
  return [...values.subarray(0, 5)];
}

it('opens a directory, a bare file with and without config, bytes, a blob, a file URL and shards alike', async () => {
  await put('config.json', JSON.stringify(miniConfig));
  await put('model.safetensors', bytes);
  const expected = await firstWeights(directory);
  expect(await firstWeights(join(directory, 'model.safetensors'))).toEqual(expected);
  expect(await firstWeights(new URL(`file://${directory}/model.safetensors`))).toEqual(expected);
  expect(await firstWeights(bytes)).toEqual(expected);
  expect(await firstWeights(new Blob([bytes as BlobPart]))).toEqual(expected);

  await rm(join(directory, 'model.safetensors'));
  const names = Object.keys(tensors);
  const part = (keep: (i: number) => boolean): Tensors =>
    Object.fromEntries(Object.entries(tensors).filter((_, i) => keep(i)));
  await put('a.safetensors', safetensors(part((i) => i % 2 === 0)));
  await put('b.safetensors', safetensors(part((i) => i % 2 === 1)));
  const weight_map = Object.fromEntries(
    names.map((name, i) => [name, i % 2 ? 'b.safetensors' : 'a.safetensors']),
  );
  await put('model.safetensors.index.json', JSON.stringify({ weight_map }));
  expect(await firstWeights(directory)).toEqual(expected);
});

it('opens the bundled model by name', async () => {
  const source = await openCheckpoint('bundled');
  expect(() =>
    checkParameters(source, shapesOf(painterParameters(parsePainterConfig(source.config)))),
  ).not.toThrow();
  await source.close();
});

describe('refuses, naming what is wrong', () => {
  it.each<[string, string, RegExp]>([
    ['what is nowhere', './no-such-model', /no model at ".\/no-such-model"/],
    ['nothing', '', /must be a path/],
  ])('%s', async (_, source, message) => {
    await expect(openCheckpoint(source)).rejects.toThrow(message);
  });

  it('a directory without config.json', async () => {
    await put('model.safetensors', bytes);
    await expect(openCheckpoint(directory)).rejects.toThrow(/holds no config.json/);
  });

  it('a directory without weights', async () => {
    await put('config.json', '{}');
    await expect(openCheckpoint(directory)).rejects.toThrow(/model.safetensors/);
  });

  it('a config that is not JSON', async () => {
    await put('config.json', '{');
    await expect(openCheckpoint(directory)).rejects.toThrow(/not valid JSON/);
  });

  it('an index that leads out of its directory, or lacks a tensor', async () => {
    await put('config.json', '{}');
    await put(
      'model.safetensors.index.json',
      JSON.stringify({ weight_map: { a: '../../etc/passwd' } }),
    );
    await expect(openCheckpoint(directory)).rejects.toThrow(/no file beside it/);
    await put(
      'model.safetensors.index.json',
      JSON.stringify({ weight_map: { a: 'x.safetensors' } }),
    );
    await put('x.safetensors', safetensors({}));
    await expect(openCheckpoint(directory)).rejects.toThrow(/"a" is not in x.safetensors/);
  });

  it.each<[string, object, RegExp]>([
    ['another architecture', { model_type: 'sam' }, /type "sam"; only "seggpt"/],
    [
      'a width that heads do not divide',
      { hidden_size: 9 },
      /9 is not a multiple of num_attention_heads 2/,
    ],
    [
      'a tap past the end',
      { intermediate_hidden_state_indices: [1, 4] },
      /names block 4, but the last is 3/,
    ],
    [
      'a tap before the merge',
      { intermediate_hidden_state_indices: [0, 3] },
      /before the streams merge/,
    ],
    ['another activation', { hidden_act: 'relu' }, /only "gelu"/],
    ['a canvas that patches do not fill', { image_size: [24, 16] }, /multiple of two patches/],
    ['sizes that are no numbers', { hidden_size: '8' }, /positive integer up to 65536, found "8"/],
    ['absurd sizes', { num_hidden_layers: 1e12 }, /positive integer/],
  ])('a config of %s', async (_, change, message) => {
    await put('config.json', JSON.stringify({ ...miniConfig, ...change }));
    await put('model.safetensors', bytes);
    const failure = await Painter.load(directory, { backend: 'cpu' }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CheckpointError);
    expect((failure as Error).message).toMatch(message);
  });

  it.each<[string, (tensors: Tensors) => Tensors, RegExp]>([
    [
      'a missing tensor',
      ({ ['decoder.decoder_embed.bias']: _, ...rest }) => rest,
      /lacks the tensor "decoder.decoder_embed.bias" of shape \[256\]/,
    ],
    [
      'a tensor of another shape',
      (all) => ({
        ...all,
        'model.encoder.layernorm.bias': { shape: [4], data: new Uint8Array(16) },
      }),
      /"model.encoder.layernorm.bias" should have shape \[8\], but has \[4\]/,
    ],
    [
      'a tensor too many',
      (all) => ({ ...all, 'vae.weight': { shape: [1], data: new Uint8Array(4) } }),
      /"vae.weight" that the model has no place for/,
    ],
    [
      'NaN weights',
      (all) => ({
        ...all,
        'model.encoder.layernorm.bias': {
          shape: [8],
          data: new Uint8Array(Float32Array.of(1, 2, 3, NaN, 5, 6, 7, 8).buffer),
        },
      }),
      /"model.encoder.layernorm.bias" holds NaN/,
    ],
  ])('%s', async (_, change, message) => {
    await put('config.json', JSON.stringify(miniConfig));
    await put('model.safetensors', safetensors(change(tensors)));
    const failure = await Painter.load(directory, { backend: 'cpu' }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CheckpointError);
    expect((failure as Error).message).toMatch(message);
  });
});

it('both reference files load as the same painter', async () => {
  const config = parsePainterConfig(
    JSON.parse(readFileSync(join(tinyModel, 'config.json'), 'utf8')),
  );
  const painter = await Painter.load(join(tinyModel, 'official.pth'), { backend: 'cpu' });
  expect(painter.config).toEqual(config);
  painter.dispose();
});
