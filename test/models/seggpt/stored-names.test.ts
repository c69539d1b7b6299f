import { CheckpointError } from '../../../src/base/errors';
import type { TensorSource } from '../../../src/checkpoints/tensor-source';
import { countParameters, renamed, shapesOf } from '../../../src/models/parameter-table';
import { parsePainterConfig, vitLargeConfig } from '../../../src/models/seggpt/config';
import { painterParameters } from '../../../src/models/seggpt/parameter-table';
import { withPainterNames } from '../../../src/models/seggpt/stored-names';
import { miniConfig } from '../../helpers/tiny-checkpoint';

/** A checkpoint whose tensors are told by their place. */
function source(...names: string[]): TensorSource {
  return {
    origin: 'x.pth',
    config: { model_type: 'seggpt' },
    entries: new Map(names.map((name, i) => [name, { dtype: 'F32', shape: [i] }])),
    read: (name) =>
      Promise.resolve({
        name,
        dtype: 'F32',
        shape: [names.indexOf(name)],
        data: Uint8Array.of(names.indexOf(name)),
      }),
    close: () => Promise.resolve(),
  };
}
const config = parsePainterConfig(miniConfig);

// models_seggpt.py of the official repository against transformers' convert_seggpt_to_hf.py
const PAIRS: readonly (readonly [official: string, huggingFace: string])[] = [
  ['patch_embed.proj.weight', 'model.embeddings.patch_embeddings.projection.weight'],
  ['patch_embed.proj.bias', 'model.embeddings.patch_embeddings.projection.bias'],
  ['mask_token', 'model.embeddings.mask_token'],
  ['segment_token_x', 'model.embeddings.segment_token_input'],
  ['segment_token_y', 'model.embeddings.segment_token_prompt'],
  ['type_token_cls', 'model.embeddings.type_token_semantic'],
  ['type_token_ins', 'model.embeddings.type_token_instance'],
  ['pos_embed', 'model.embeddings.position_embeddings'],
  ['decoder_embed.weight', 'decoder.decoder_embed.weight'],
  ['decoder_pred.0.weight', 'decoder.decoder_pred.conv.weight'],
  ['decoder_pred.1.bias', 'decoder.decoder_pred.layernorm.bias'],
  ['decoder_pred.3.bias', 'decoder.decoder_pred.head.bias'],
  ['norm.weight', 'model.encoder.layernorm.weight'],
  ['blocks.1.norm1.weight', 'model.encoder.layers.1.layernorm_before.weight'],
  ['blocks.1.norm2.bias', 'model.encoder.layers.1.layernorm_after.bias'],
  ['blocks.1.attn.qkv.weight', 'model.encoder.layers.1.attention.qkv.weight'],
  ['blocks.1.attn.proj.bias', 'model.encoder.layers.1.attention.proj.bias'],
  ['blocks.1.attn.rel_pos_h', 'model.encoder.layers.1.attention.rel_pos_h'],
  ['blocks.1.attn.rel_pos_w', 'model.encoder.layers.1.attention.rel_pos_w'],
  ['blocks.1.mlp.fc1.weight', 'model.encoder.layers.1.mlp.lin1.weight'],
  ['blocks.1.mlp.fc2.bias', 'model.encoder.layers.1.mlp.lin2.bias'],
];

it('gives official names those of Hugging Face, with shapes and values', async () => {
  const official = PAIRS.map(([name]) => name);
  const under = withPainterNames(source(...official));
  expect([...under.entries.keys()]).toEqual(PAIRS.map(([, name]) => name));
  for (const [i, [, name]] of PAIRS.entries()) {
    expect(under.entries.get(name)).toEqual({ dtype: 'F32', shape: [i] });
    expect(await under.read(name)).toMatchObject({ name, data: Uint8Array.of(i) });
  }
  expect(under.origin).toBe('x.pth');
  expect(under.config).toEqual({ model_type: 'seggpt' });
});

it('knows the names of the last block, whatever its number', () => {
  const names = (...given: string[]) => [...withPainterNames(source(...given)).entries.keys()];
  expect(names('blocks.1023.norm1.bias')).toEqual([
    'model.encoder.layers.1023.layernorm_before.bias',
  ]);
  expect(names('blocks.30.norm1.bias', 'blocks.2.norm1.bias')).toEqual([
    'model.encoder.layers.30.layernorm_before.bias',
    'model.encoder.layers.2.layernorm_before.bias',
  ]);
});

it('leaves names it does not know, and checkpoints of Hugging Face as they are', async () => {
  const given = source('norm.weight', 'teacher.norm.weight');
  const under = withPainterNames(given);
  expect([...under.entries.keys()]).toEqual([
    'model.encoder.layernorm.weight',
    'teacher.norm.weight',
  ]);
  expect(await under.read('teacher.norm.weight')).toMatchObject({ data: Uint8Array.of(1) });
  const own = source(...PAIRS.map(([, name]) => name));
  expect(withPainterNames(own)).toBe(own);
});

it.each(['blocks.1024.norm1.bias', 'model.encoder.layers.1024.mlp.lin1.bias'])(
  'refuses more blocks than any model has: %s',
  (name) => {
    expect(() => withPainterNames(source(name))).toThrow(CheckpointError);
    expect(() => withPainterNames(source(name))).toThrow(/^x.pth names block 1024/);
  },
);

it('refuses a parameter under both of its names', () => {
  const twice = source('norm.weight', 'model.encoder.layernorm.weight');
  expect(() => withPainterNames(twice)).toThrow(
    /holds both "norm.weight" and "model.encoder.layernorm.weight", which are one parameter/,
  );
});

it('renames by any rule', async () => {
  const under = renamed(source('a', 'b'), (stored) => (stored === 'a' ? 'c' : stored));
  expect([...under.entries]).toEqual([
    ['c', { dtype: 'F32', shape: [0] }],
    ['b', { dtype: 'F32', shape: [1] }],
  ]);
  expect(await under.read('c')).toMatchObject({ name: 'c', data: Uint8Array.of(0) });
  expect(await under.read('b')).toMatchObject({ name: 'b', data: Uint8Array.of(1) });
});

describe('the table of parameters', () => {
  const table = painterParameters(config);
  const shapes = shapesOf(table);

  it('has the shapes of a config: width 8, patch 8, canvas 32 x 16, 2 heads, MLP 16, decoder 4', () => {
    expect(table).toHaveLength(7 + 1 + 2 + 4 * 14 + 2 + 6);
    expect(shapes.size).toBe(table.length);
    const layer = 'model.encoder.layers.3.';
    for (const [name, shape] of Object.entries({
      'model.embeddings.patch_embeddings.projection.weight': [8, 3, 8, 8],
      'model.embeddings.mask_token': [1, 1, 1, 8],
      'model.embeddings.position_embeddings': [1, 2 * 2 + 1, 8],
      'decoder.decoder_embed.weight': [8 * 8 * 4, 8 * 2],
      'decoder.decoder_embed.bias': [8 * 8 * 4],
      [`${layer}attention.qkv.weight`]: [24, 8],
      [`${layer}attention.qkv.bias`]: [24],
      [`${layer}attention.proj.weight`]: [8, 8],
      [`${layer}attention.rel_pos_h`]: [2 * 4 - 1, 4],
      [`${layer}attention.rel_pos_w`]: [2 * 2 - 1, 4],
      [`${layer}mlp.lin1.weight`]: [16, 8],
      [`${layer}mlp.lin1.bias`]: [16],
      [`${layer}mlp.lin2.weight`]: [8, 16],
      [`${layer}mlp.lin2.bias`]: [8],
      [`${layer}layernorm_before.weight`]: [8],
      'decoder.decoder_pred.conv.weight': [4, 4, 3, 3],
      'decoder.decoder_pred.layernorm.weight': [4],
      'decoder.decoder_pred.head.weight': [3, 4, 1, 1],
      'decoder.decoder_pred.head.bias': [3],
    }))
      expect([name, shapes.get(name)]).toEqual([name, shape]);
    expect(shapes.has('model.encoder.layers.4.attention.qkv.bias')).toBe(false);
  });

  it('leaves out what a config does without', () => {
    const names = (change: object) =>
      painterParameters({ ...config, ...change }).map(({ name }) => name);
    expect(names({ relativePositions: false }).filter((name) => /rel_pos/.test(name))).toEqual([]);
    expect(names({ relativePositions: false })).toHaveLength(table.length - 2 * 4);
    expect(names({ qkvBias: false }).filter((name) => /qkv\.bias/.test(name))).toEqual([]);
    expect(names({ qkvBias: false })).toHaveLength(table.length - 4);
  });

  it('quantises the weights of the blocks and of the decoder embedding, and nothing else', () => {
    const inexact = table.filter(({ exact }) => !exact);
    expect(inexact.map(({ name }) => name.replace(/\d+/, 'N')).sort()).toEqual(
      [
        'decoder.decoder_embed.weight',
        ...['attention.qkv', 'attention.proj', 'mlp.lin1', 'mlp.lin2'].flatMap((name) =>
          Array<string>(4).fill(`model.encoder.layers.N.${name}.weight`),
        ),
      ].sort(),
    );
    expect(new Set(inexact.map(({ kind }) => kind))).toEqual(new Set(['weight']));
  });

  it('counts 370 million values of ViT-L', () => {
    const [D, block] = [1024, 12 * 1024 ** 2 + 13 * 1024 + (111 + 55) * 64];
    const embeddings = 768 * D + D + 5 * D + 197 * D;
    const decoder = 16384 * 4096 + 16384 + (64 * 64 * 9 + 64) + 2 * 64 + (3 * 64 + 3);
    expect(countParameters(painterParameters(vitLargeConfig))).toBe(
      embeddings + 24 * block + 2 * D + decoder,
    );
  });
});
