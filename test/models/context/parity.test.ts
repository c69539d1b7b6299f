import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryAccess } from '../../../src/checkpoints/memory-access';
import { openSafetensors } from '../../../src/checkpoints/safetensors';
import type { TensorSource } from '../../../src/checkpoints/tensor-source';
import { createEngine } from '../../../src/engines/create-engine';
import type { Engine } from '../../../src/engines/engine';
import { ContextDecoder } from '../../../src/models/context/context-decoder';
import { encodedSize } from '../../../src/models/context/encoded-size';
import { resampling } from '../../../src/models/context/resampling';
import { toFloat32 } from '../../../src/tensors/element-types';
import { describeBackends } from '../../helpers/backends';
import { largestDifference } from '../../helpers/reference';

const T = 5;
const config = {
  model_type: 'seggpt_context',
  ...{
    channels: 20,
    width: 24,
    heads: 3,
    looks: 2,
    state: 16,
    state_heads: 2,
    decodes: 3,
    waves: 2,
  },
  tokens: T,
};

async function fixture() {
  const path = join(__dirname, '..', '..', 'fixtures', 'context.safetensors');
  const all = await openSafetensors(memoryAccess(readFileSync(path), path));
  const values = new Map<string, Float32Array>();
  for (const key of all.entries.keys()) values.set(key, toFloat32(await all.read(key)));
  const own = [...all.entries].filter(([key]) => key.startsWith('model.'));
  const source: TensorSource = {
    ...all,
    config,
    entries: new Map(own.map(([key, entry]) => [key.slice('model.'.length), entry])),
    read: async (name) => ({ ...(await all.read(`model.${name}`)), name }),
  };
  return { values, source };
}

/** Part `i` of a stack. */
function part(values: Float32Array, i: number, count: number): Float32Array {
  const length = values.length / count;
  return values.slice(i * length, (i + 1) * length);
}

describeBackends(
  '%s reproduces the context decoder of training',
  ['wasm', 'cpu', 'tfjs-wasm'],
  (backend) => {
    let engine: Engine;
    let decoder: ContextDecoder;
    let values: Map<string, Float32Array>;
    beforeAll(async () => {
      const made = await fixture();
      values = made.values;
      engine = await createEngine({ backend, preferredPrecision: 'f32' });
      decoder = await ContextDecoder.load(engine, made.source);
    });
    afterAll(() => engine.release());

    const look = (i: number) => {
      const features = engine.upload(part(values.get('features')!, i, 3), [T * T, 20]);
      const tokens = decoder.look(features, part(values.get('pixels')!, i, 3));
      engine.dispose(features);
      return tokens;
    };

    it('looks at a picture', async () => {
      const before = engine.memory().tensors;
      for (let i = 0; i < 3; i++) {
        const tokens = look(i);
        const expected = part(values.get('tokens')!, i, 3);
        expect(largestDifference(await engine.download(tokens), expected)).toBeLessThan(1e-4);
        engine.dispose(tokens);
      }
      expect(engine.memory().tensors).toBe(before);
    });

    it.each([
      ['one', 1],
      ['two', 2],
    ])('reads masks of %s prompts, label by label', async (name, count) => {
      const before = engine.memory().tensors;
      const masks = values.get('masks')!; // (labels, prompts, 8T, 8T)
      const prompts = [];
      for (let p = 0; p < count; p++) {
        const tokens = look(p);
        const own = [0, 1, 2].map((label) => part(masks, label * 2 + p, 6));
        prompts.push(await decoder.prompt(tokens, own));
        engine.dispose(tokens);
      }
      const joined = decoder.join(prompts);
      prompts.forEach((each) => decoder.release(each));
      const target = look(2);
      const answers = await decoder.decode(target, joined);
      decoder.release(joined);
      engine.dispose(target);
      expect(answers).toHaveLength(3);
      answers.forEach(({ logits, presence }, label) => {
        const expected = part(values.get(`logits.${name}`)!, label, 3);
        expect(largestDifference(logits, expected)).toBeLessThan(1e-4);
        expect(Math.abs(presence - values.get(`presence.${name}`)![label])).toBeLessThan(1e-4);
      });
      expect(engine.memory().tensors).toBe(before);
    });

    it('stops between labels', async () => {
      const tokens = look(0);
      const prompts = await decoder.prompt(tokens, [new Float32Array((8 * T) ** 2)]);
      const before = engine.memory().tensors;
      await expect(decoder.decode(tokens, prompts, AbortSignal.abort())).rejects.toThrow(/abort/i);
      expect(engine.memory().tensors).toBe(before);
    });
  },
);

it.each([7, 36])('features are resampled to %i tokens as in training', async (tokens) => {
  const { values } = await fixture();
  const [channels, rows, columns] = [6, 24, 32];
  const encoded = values.get('encoded')!;
  const down = resampling((32 * 200) / 300, rows, tokens);
  const across = resampling(32, columns, tokens);
  const expected = values.get(`resampled.${tokens}`)!; // (tokens, tokens, channels), through float16
  for (let y = 0; y < tokens; y++)
    for (let x = 0; x < tokens; x++)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++)
            sum +=
              down[y * rows + i] * across[x * columns + j] * encoded[(c * rows + i) * columns + j];
        expect(Math.abs(sum - expected[(y * tokens + x) * channels + c])).toBeLessThan(2e-3);
      }
});

it('a margin of padding is encoded, in steps of 32', () => {
  expect(encodedSize(640, 480)).toEqual({ rows: 448, columns: 512 });
  expect(encodedSize(100, 2000)).toEqual({ rows: 512, columns: 96 });
  expect(encodedSize(300, 300)).toEqual({ rows: 512, columns: 512 });
});
