/** With `deterministic` the same bytes come of every machine and version of Node: these sums were written down once. */
import { createHash } from 'node:crypto';
import { createEngine } from '../../../src/engines/create-engine';
import { createWasmEngine } from '../../../src/engines/wasm';
import { checkEngineOptions } from '../../../src/engines/engine-options';
import { BackendError } from '../../../src/base/errors';
import { randomFloats, stored } from './helpers';

const [rows, width] = [70, 64];

/** A norm, products with every activation, and attention, as a block of a transformer has them. */
async function digest(precision: 'f32' | 'f16' | 'int8', threads: number): Promise<string> {
  const engine = await createWasmEngine({ precision, threads, deterministic: true });
  const layer = engine.loadLinear(stored([width, width], 1), stored([width], 2));
  const y = engine.tidy(() => {
    const x = engine.upload(randomFloats(rows * width, 3), [rows, width]);
    const gamma = engine.upload(randomFloats(width, 4), [width]);
    const normed = engine.layerNorm(x, { gamma, beta: gamma, epsilon: 1e-6 });
    const [q, k, v] = (['gelu', 'relu', 'sigmoid'] as const).map((activation) =>
      engine.linear(normed, layer, { activation }),
    );
    const all = { start: 0, end: rows };
    const segments = [{ queries: all, keys: [[all]] }];
    const plan = { heads: 2, headWidth: width / 2, segments };
    const attended = engine.attention({ tensor: q }, { tensor: k }, { tensor: v }, plan);
    return engine.linear(attended, layer, { residual: x });
  });
  const values = await engine.download(y);
  engine.release();
  return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 16);
}

it.each([
  ['f32', '8bac20b263c63189'],
  ['f16', '0fe01e37858e434d'],
  ['int8', 'bb80a8b923223281'],
] as const)('%s', async (precision, sum) => {
  expect([await digest(precision, 1), await digest(precision, 3)]).toEqual([sum, sum]);
});

it("is an engine's own: others are passed by, and refused by name", async () => {
  checkEngineOptions({ deterministic: true });
  const request = { preferredPrecision: 'f32', deterministic: true } as const;
  const engine = await createEngine(request);
  expect(engine.name).toBe('wasm');
  engine.release();
  await expect(createEngine({ ...request, backend: 'cpu' })).rejects.toThrow(BackendError);
});
