import type { Engine, EngineTensor } from '../../src/engines/engine';
import { vitBlock, type ViTBlockOptions, type ViTBlockWeights } from '../../src/nn/vit-block';
import { plainTfjs, randomFloats, stored } from '../engines/wasm/helpers';
import { largestDifference } from '../helpers/reference';

const [rows, width, heads] = [6, 8, 2];
const span = { start: 0, end: rows };

describe('vitBlock', () => {
  let engine: Engine;
  let weights: ViTBlockWeights;
  let x: EngineTensor;
  beforeAll(async () => {
    engine = await plainTfjs();
    const norm = (seed: number) => ({
      gamma: engine.upload(randomFloats(width, seed), [width]),
      beta: engine.upload(randomFloats(width, seed + 1), [width]),
      epsilon: 1e-6,
    });
    const layer = (outputs: number, inputs: number, seed: number) =>
      engine.loadLinear(stored([outputs, inputs], seed), stored([outputs], seed + 1));
    weights = {
      attentionNorm: norm(1),
      qkv: layer(3 * width, width, 3),
      projection: layer(width, width, 5),
      mlpNorm: norm(7),
      expand: layer(4 * width, width, 9),
      contract: layer(width, 4 * width, 11),
    };
    x = engine.upload(randomFloats(rows * width, 13), [rows, width]);
  });
  afterAll(() => engine.release());

  const plan = (queries = span) => ({
    heads,
    headWidth: width / heads,
    segments: [{ queries, keys: [[span]] }],
  });
  async function run(of = plan(), options?: ViTBlockOptions): Promise<Float32Array> {
    const before = engine.memory().tensors;
    const y = vitBlock(engine, x, weights, of, options);
    expect(engine.memory().tensors).toBe(before + 1);
    const values = await engine.download(y);
    engine.dispose(y);
    return values;
  }

  it('is x + attention(norm(x)), then x + MLP(norm(x))', async () => {
    const step = engine.tidy(() => {
      const qkv = engine.linear(engine.layerNorm(x, weights.attentionNorm), weights.qkv);
      const part = (column: number) => ({ tensor: qkv, column });
      const mixed = engine.attention(part(0), part(width), part(2 * width), plan());
      const first = engine.add(x, engine.linear(mixed, weights.projection));
      const hidden = engine.linear(engine.layerNorm(first, weights.mlpNorm), weights.expand);
      const mlp = engine.linear(engine.activate(hidden, 'gelu'), weights.contract);
      return engine.add(first, mlp);
    });
    const expected = await engine.download(step);
    engine.dispose(step);
    expect(largestDifference(await run(), expected)).toBeLessThan(1e-5);
  });

  it('computes some rows as it would all', async () => {
    const all = await run();
    const some = await run(plan({ start: 2, end: 5 }), { rows: [[2, 5]] });
    expect(largestDifference(some, all.subarray(2 * width, 5 * width))).toBeLessThan(1e-5);
  });

  it('lets what attention gave be changed before it is projected', async () => {
    const none = await run(plan(), {
      afterAttention: (mixed) =>
        engine.mean([mixed, engine.upload(new Float32Array(rows * width), [rows, width])]),
    });
    const seen: (readonly number[])[] = [];
    const same = await run(plan(), {
      afterAttention: (mixed) => {
        seen.push(mixed.shape);
        return mixed;
      },
    });
    expect(seen).toEqual([[rows, width]]);
    expect(same).toEqual(await run());
    expect(largestDifference(none, same)).toBeGreaterThan(1e-3);
  });
});
