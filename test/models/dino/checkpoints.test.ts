import { memoryAccess } from '../../../src/checkpoints/memory-access';
import { openCheckpoint } from '../../../src/checkpoints/open-checkpoint';
import { openSafetensors } from '../../../src/checkpoints/safetensors';
import type { TensorSource } from '../../../src/checkpoints/tensor-source';
import { type DinoConfig, parseDinoConfig, toDinoJson } from '../../../src/models/dino/config';
import { Dino } from '../../../src/models/dino/dino';
import { describeDino } from '../../../src/models/dino/family';
import { dinoParameters } from '../../../src/models/dino/parameter-table';
import { readModel } from '../../../src/models/family';
import { stackRows } from '../../../src/models/stored-rows';
import { floatTensor } from '../../../src/models/weight-reader';
import { fixture } from '../../helpers/fixture';

/** A model's parameters as its original repository stores them: queries, keys and values in one, short names, no config. */
async function originalOf(kind: string, isThird: boolean): Promise<TensorSource> {
  const { source } = describeDino(await openCheckpoint(fixture(`dino/${kind}`)));
  const tensors = new Map<string, Awaited<ReturnType<TensorSource['read']>>>();
  const put = async (name: string, stored: string) =>
    tensors.set(name, { ...(await source.read(stored)), name });
  for (const stored of source.entries.keys()) {
    const name = stored
      .replace('embeddings.patch_embeddings', 'patch_embed.proj')
      .replace('embeddings.position_embeddings', 'pos_embed')
      .replace('embeddings.register_tokens', isThird ? 'storage_tokens' : 'register_tokens')
      .replace('embeddings.', '')
      .replace('layernorm', 'norm')
      .replace('encoder.layer.', 'blocks.')
      .replace('attention.output', 'attn.proj')
      .replace(/layer_scale(\d).lambda1/, 'ls$1.gamma')
      .replace('mlp.up_proj', 'mlp.fc1')
      .replace('mlp.down_proj', 'mlp.fc2');
    const part = /^(.*)\.attention\.(query|key|value)\.(weight|bias)$/.exec(stored);
    if (!part) {
      await put(name, stored);
      continue;
    }
    const [, block, which, side] = part;
    if (which !== 'query') continue;
    const parts = await Promise.all(
      ['query', 'key', 'value'].map(
        (each) =>
          source.entries.has(`${block}.attention.${each}.${side}`)
            ? source.read(`${block}.attention.${each}.${side}`)
            : floatTensor('none', [16], new Float32Array(16).fill(5)), // masked in the file
      ),
    );
    const to = `${block.replace('encoder.layer.', 'blocks.')}.attn.qkv.${side}`;
    tensors.set(to, stackRows(to, parts));
  }
  tensors.set('mask_token', floatTensor('mask_token', [1, 16], new Float32Array(16)));
  if (isThird) tensors.set('rope_embed.periods', floatTensor('', [2], new Float32Array(2)));
  await source.close();
  return {
    origin: `${kind}.pth`,
    config: null,
    entries: new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    read: (name) => Promise.resolve(tensors.get(name)!),
    close: () => Promise.resolve(),
  };
}

/** Heads leave no trace in a file without a config: here are two of width 8, where real models have 64. */
const withConfig = async (source: TensorSource, kind: string): Promise<TensorSource> => ({
  ...source,
  config: (await openCheckpoint(fixture(`dino/${kind}`))).config,
});

it.each(['dino', 'dinov2', 'dinov2-registers', 'dinov3'])(
  'the original files of %s load, and compute the same',
  async (kind) => {
    const original = await originalOf(kind, kind === 'dinov3');
    expect([...original.entries.keys()]).toContain('blocks.1.attn.qkv.weight');
    const models = [
      await Dino.load(fixture(`dino/${kind}`), { backend: 'wasm', threads: 1 }),
      await Dino.load(await withConfig(original, kind), { backend: 'wasm', threads: 1 }),
    ];
    const pixels = Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.sin(i));
    const [a, b] = await Promise.all(models.map((model) => model.encode(pixels, 16, 16)));
    expect(b).toEqual(a);
    for (const model of models) model.dispose();
  },
);

/** Names and shapes of an original file of a published size. */
function published(config: DinoConfig): TensorSource {
  const entries = new Map(
    dinoParameters(config).map(({ name, shape }) => [name, { dtype: 'F32' as const, shape }]),
  );
  return {
    origin: 'published',
    config: null,
    entries,
    read: () => Promise.reject(new Error('has no values')),
    close: () => Promise.resolve(),
  };
}
const common = {
  ...{ gated: false, registers: 0, layerScale: false, qkvBias: true, keyBias: true },
  layerNormEpsilon: 1e-6,
};
const learned = (side: number, antialias = false) =>
  ({ kind: 'learned', side, antialias }) as const;

it.each<[string, DinoConfig]>([
  [
    'dino_deitsmall8',
    {
      ...common,
      ...{ modelType: 'vit', width: 384, depth: 12, heads: 6, mlpWidth: 1536, patch: 8 },
      positions: learned(28),
    },
  ],
  [
    'mae_pretrain_vit_huge',
    {
      ...common,
      ...{ modelType: 'vit', width: 1280, depth: 32, heads: 16, mlpWidth: 5120, patch: 14 },
      positions: learned(16),
    },
  ],
  [
    'dinov2_vitg14_reg4',
    {
      ...common,
      ...{ width: 1536, depth: 40, heads: 24, mlpWidth: 4096, patch: 14, layerScale: true },
      ...{ modelType: 'dinov2_with_registers', registers: 4, gated: true },
      positions: learned(37, true),
    },
  ],
  [
    'dinov3_vits16',
    {
      ...common,
      ...{ modelType: 'dinov3_vit', width: 384, depth: 12, heads: 6, mlpWidth: 1536, patch: 16 },
      ...{ registers: 4, layerScale: true, keyBias: false, layerNormEpsilon: 1e-5 },
      positions: { kind: 'rotary', theta: 100 },
    },
  ],
])('%s is known by names and shapes', (_, config) => {
  expect(describeDino(published(config)).config).toEqual(config);
});

it.each(['dino', 'mae', 'dinov2', 'dinov2-swiglu', 'dinov2-registers', 'dinov3', 'dinov3-gated'])(
  'the config of %s comes back from its JSON, and the model is described',
  async (kind) => {
    const source = await openCheckpoint(fixture(`dino/${kind}`));
    const { config } = describeDino(source);
    expect(parseDinoConfig(JSON.parse(JSON.stringify(toDinoJson(config))), 'test')).toEqual(config);
    const { family, rows } = readModel(source);
    expect(family).toBe('dino');
    expect(rows[1][1]).toBe('ViT, 2 blocks of width 16, 2 heads');
    await source.close();
  },
);

it.each<[object, RegExp]>([
  [{ hidden_size: 100 }, /hidden_size 100 does not divide into 12 heads/],
  [{ hidden_act: 'relu' }, /hidden_act "relu" is not computed here/],
  [{ num_hidden_layers: 1e6 }, /num_hidden_layers must be a whole number from 1 to 512/],
  [{ image_size: [224, 448] }, /image_size must be square/],
  [{ image_size: 8 }, /image_size 8 is smaller than patch_size 14/],
  [{ layer_norm_eps: 0 }, /layer_norm_eps must be a number above 0/],
  [{ use_swiglu_ffn: 'yes' }, /use_swiglu_ffn must be true or false/],
  [
    { model_type: 'dinov3_vit', hidden_size: 12, num_attention_heads: 2 },
    /rotary positions want heads of a multiple of 4/,
  ],
  [{ model_type: 'beit' }, /model_type "beit" is none that is known/],
])('refuses %j', (config, message) => {
  expect(() => parseDinoConfig({ model_type: 'dinov2', ...config }, 'config.json')).toThrow(
    message,
  );
});

it('refuses files that do not fit their config, and files of something else', async () => {
  const source = await openCheckpoint(fixture('dino/dinov2'));
  const wrong = { ...source, config: { ...(source.config as object), num_hidden_layers: 3 } };
  expect(() => describeDino(wrong)).toThrow(/encoder\.layer\.2/);
  await source.close();
  const nothing = openSafetensors(memoryAccess(new Uint8Array(16), 'nothing'), null);
  await expect(nothing).rejects.toThrow();
  expect(() =>
    describeDino({
      ...published({
        ...common,
        modelType: 'vit',
        width: 384,
        depth: 1,
        heads: 6,
        mlpWidth: 8,
        patch: 8,
        positions: learned(2),
      }),
      entries: new Map(),
    }),
  ).toThrow(/comes without config\.json, and is none of the original/);
});
