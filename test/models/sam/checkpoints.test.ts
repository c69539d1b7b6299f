import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryAccess } from '../../../src/checkpoints/memory-access';
import { openSafetensors } from '../../../src/checkpoints/safetensors';
import type { TensorSource } from '../../../src/checkpoints/tensor-source';
import { readModel } from '../../../src/models/family';
import {
  mobileSamConfig,
  parseSamConfig,
  samBaseConfig,
  samHugeConfig,
  samLargeConfig,
  toSamJson,
} from '../../../src/models/sam/config';
import { describeSam } from '../../../src/models/sam/family';
import { samParameters } from '../../../src/models/sam/parameter-table';
import { floatTensor } from '../../../src/models/weight-reader';
import { toFloat32 } from '../../../src/tensors/element-types';

const folder = join(__dirname, '..', '..', 'fixtures', 'sam');
const tiny = () =>
  openSafetensors(
    memoryAccess(readFileSync(join(folder, 'model.safetensors')), 'tiny SAM'),
    JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')),
  );

/** A source that has names and shapes, and zeros for values. */
function shapesAlone(
  shapes: ReadonlyMap<string, readonly number[]>,
  config: unknown = null,
): TensorSource {
  return {
    origin: 'made up',
    config,
    entries: new Map([...shapes].map(([name, shape]) => [name, { dtype: 'F32', shape }])),
    read: (name) => {
      const shape = shapes.get(name)!;
      return Promise.resolve(
        floatTensor(name, shape, new Float32Array(shape.reduce((a, b) => a * b, 1))),
      );
    },
    close: () => Promise.resolve(),
  };
}

/** Official names of a table, and what a checkpoint has beside. */
const officialShapes = (config: typeof samBaseConfig) =>
  new Map(samParameters(config).map(({ name, aliases, shape }) => [aliases[0] ?? name, shape]));

it.each([
  ['ViT-B', samBaseConfig],
  ['ViT-L', samLargeConfig],
  ['ViT-H', samHugeConfig],
])('knows the official %s by its names and shapes', (_, config) => {
  const { config: found } = describeSam(shapesAlone(officialShapes(config)));
  expect(found).toEqual({ ...config, decoder: { ...config.decoder, layerNormEpsilon: 1e-5 } });
});

it('the official layers of perceptrons come in their order, not by equal names', () => {
  const shapes = officialShapes(samBaseConfig);
  expect(shapes.get('mask_decoder.iou_prediction_head.layers.2.weight')).toEqual([4, 256]);
  expect(shapes.has('mask_decoder.iou_prediction_head.proj_out.weight')).toBe(false);
  const { source } = describeSam(shapesAlone(shapes));
  expect(source.entries.get('mask_decoder.iou_prediction_head.proj_out.weight')!.shape).toEqual([
    4, 256,
  ]);
});

it('folds the batch norms of mobile_sam.pt and passes its classifier by', async () => {
  const shapes = new Map<string, readonly number[]>();
  for (const { name, aliases, shape } of samParameters(mobileSamConfig)) {
    const stem = /^(.*)\.c\.bias$/.exec(name)?.[1];
    if (stem === undefined) shapes.set(aliases[0] ?? name, shape);
    else {
      for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
        shapes.set(`${stem}.bn.${part}`, shape);
      shapes.set(`${stem}.bn.num_batches_tracked`, []);
    }
  }
  shapes.set('image_encoder.head.weight', [1000, 320]);
  shapes.set('image_encoder.norm_head.bias', [320]);
  const made = shapesAlone(shapes);
  const values: Record<string, number> = { weight: 3, bias: 0.5, running_mean: 2, running_var: 4 };
  const filled: TensorSource = {
    ...made,
    async read(name) {
      const tensor = await made.read(name);
      const part = /\.bn\.(\w+)$/.exec(name)?.[1];
      const value = part ? values[part] : name.endsWith('.c.weight') ? 0.1 : 0;
      return floatTensor(name, tensor.shape, toFloat32(tensor).fill(value));
    },
  };
  const { source, config } = describeSam(filled);
  expect(config.encoder.kind).toBe('tiny-vit');
  const scale = 3 / Math.sqrt(4 + 1e-5);
  const weight = toFloat32(await source.read('image_encoder.patch_embed.seq.0.c.weight'));
  const bias = toFloat32(await source.read('image_encoder.patch_embed.seq.0.c.bias'));
  expect(weight.length).toBe(32 * 27);
  expect(weight[500]).toBeCloseTo(0.1 * scale, 6);
  expect(bias[31]).toBeCloseTo(0.5 - 2 * scale, 6);
});

it('Hugging Face files with both names of the frequencies are read', async () => {
  const source = await tiny();
  const both: TensorSource = {
    ...source,
    entries: new Map([
      ...source.entries,
      [
        'prompt_encoder.shared_embedding.positional_embedding',
        source.entries.get('shared_image_embedding.positional_embedding')!,
      ],
    ]),
  };
  expect(describeSam(both).config.imageSize).toBe(160);
});

it('a config comes back from its JSON', () => {
  for (const config of [samBaseConfig, mobileSamConfig])
    expect(parseSamConfig(JSON.parse(JSON.stringify(toSamJson(config))), 'test')).toEqual(config);
});

it.each([
  [
    { vision_config: { hidden_size: 100, num_attention_heads: 12 } },
    /does not divide into 12 heads/,
  ],
  [{ vision_config: { global_attn_indexes: [12] } }, /names block 12, but the last is 11/],
  [{ vision_config: { image_size: 1000 } }, /1000 is no multiple of patch_size 16/],
  [{ vision_config: { image_size: 'large' } }, /image_size must be a whole number/],
  [{ vision_config: { hidden_act: 'relu' } }, /hidden_act must be "gelu"/],
  [{ mask_decoder_config: { num_attention_heads: 7 } }, /does not divide into 7 heads/],
  [{ model_type: 'mobile_sam', vision_config: { depths: [1, 2] } }, /depths must be a list of 4/],
])('refuses %j', (config, message) => {
  expect(() => parseSamConfig({ model_type: 'sam', ...config }, 'config.json')).toThrow(message);
});

it('says what a checkpoint is', async () => {
  const { family, rows } = readModel(await tiny());
  expect(family).toBe('sam');
  expect(Object.fromEntries(rows)).toMatchObject({
    encoder: 'ViT, 4 blocks of width 32, 2 heads, windows of 4, global blocks 1, 3',
    features: '10 x 10 x 32 of pictures padded to 160 x 160',
  });
});

it('an encoder of unknown width needs its config', () => {
  const shapes = officialShapes(samBaseConfig);
  shapes.set('image_encoder.patch_embed.proj.weight', [99, 3, 16, 16]);
  expect(() => describeSam(shapesAlone(shapes))).toThrow(/give the whole directory/);
});
