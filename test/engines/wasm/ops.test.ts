/** Every op on random shapes against the tfjs engine, which is the specification. */
import fc from 'fast-check';
import type { StoredTensor } from '../../../src/tensors/stored-tensor';
import type { Engine, EngineTensor, TokenLayout } from '../../../src/engines/engine';
import type { TfjsEngine } from '../../../src/engines/tfjs/tfjs-engine';
import { createWasmEngine, type WasmEngine } from '../../../src/engines/wasm';
import { largestDifference } from '../../helpers/reference';
import { plainTfjs, randomFloats, stored } from './helpers';

jest.setTimeout(300_000); // hundreds of random shapes on TF.js's plain CPU backend, on a machine that may be busy

const configurations = [
  { name: 'relaxed SIMD, two threads', options: { threads: 2 } },
  { name: 'plain SIMD, one thread', options: { threads: 1, relaxedSimd: false } },
];

describe.each(configurations)('wasm engine, $name', ({ options }) => {
  let wasm: WasmEngine;
  let oracle: TfjsEngine;

  beforeAll(async () => {
    [wasm, oracle] = [await createWasmEngine(options), await plainTfjs()];
  });
  afterAll(() => {
    wasm.release();
    oracle.release();
  });

  /** Runs `work` on both engines, compares all results, and checks that nothing is left behind. */
  async function compare(
    work: (engine: Engine) => EngineTensor | EngineTensor[],
    tolerance = 2e-5,
  ): Promise<void> {
    const results: Float32Array[][] = [];
    for (const engine of [wasm, oracle]) {
      const before = engine.memory().tensors;
      const made = [engine.tidy(() => work(engine))].flat();
      results.push(await Promise.all(made.map((tensor) => engine.download(tensor))));
      engine.dispose(...made);
      expect(engine.memory().tensors).toBe(before);
    }
    results[0].forEach((values, i) => {
      const scale = 1 + results[1][i].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(largestDifference(values, results[1][i]) / scale).toBeLessThan(tolerance);
    });
  }

  const matrix = (rows: number, columns: number, seed: number) =>
    randomFloats(rows * columns, seed);
  const size = (max: number) => fc.integer({ min: 1, max });
  const check = (property: fc.IAsyncProperty<unknown>, numRuns = 25) =>
    fc.assert(property, { numRuns });

  it('linear: bias, GELU, residual, odd sizes', () =>
    check(
      fc.asyncProperty(
        size(70),
        size(300),
        size(90),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (rows, inputs, outputs, biased, gelu, residual) => {
          const weight = stored([outputs, inputs], 1);
          const bias = biased ? stored([outputs], 2) : null;
          return compare((engine) => {
            const layer = engine.loadLinear(weight, bias);
            const x = engine.upload(matrix(rows, inputs, 3), [rows, inputs]);
            const extra = engine.upload(matrix(rows, outputs, 4), [rows, outputs]);
            const y = engine.linear(x, layer, { gelu, residual: residual ? extra : undefined });
            engine.dispose(layer);
            return y;
          });
        },
      ),
    ));

  it.each(['F16', 'BF16', 'I8'] as const)('linear: weights stored as %s', async (dtype) => {
    const weight: StoredTensor = stored([37, 29], 5, dtype);
    await compare((engine) => {
      const layer = engine.loadLinear(weight, null);
      const y = engine.linear(engine.upload(matrix(6, 29, 6), [6, 29]), layer);
      engine.dispose(layer);
      return y;
    });
  });

  it('layerNorm', () =>
    check(
      fc.asyncProperty(size(40), fc.integer({ min: 2, max: 200 }), (rows, width) =>
        compare((engine) => {
          const weights = {
            gamma: engine.upload(matrix(1, width, 1), [width]),
            beta: engine.upload(matrix(1, width, 2), [width]),
            epsilon: 1e-6,
          };
          return engine.layerNorm(engine.upload(matrix(rows, width, 3), [rows, width]), weights);
        }),
      ),
    ));

  it('add, average, interpolate, takeRows, concatRows, concatColumns, maskRows', () =>
    check(
      fc.asyncProperty(size(60), size(70), size(20), (rows, width, other) =>
        compare((engine) => {
          const a = engine.upload(matrix(rows, width, 1), [rows, width]);
          const b = engine.upload(matrix(rows, width, 2), [rows, width]);
          const row = engine.upload(matrix(1, width, 3), [width]);
          const wide = engine.upload(matrix(rows, other, 4), [rows, other]);
          const factors = matrix(other, rows, 5).map((value) => (value > 0 ? value : 0));
          const flags = Uint8Array.from({ length: rows }, (_, i) => (i % 3 === 1 ? 1 : 0));
          const middle = Math.floor(rows / 2);
          return [
            engine.add(a, b),
            engine.add(a, row),
            engine.average(a, b),
            engine.interpolate(factors, a),
            engine.takeRows(a, [
              [middle, rows],
              [0, middle + 1],
            ]),
            engine.concatRows([a, b, a]),
            engine.concatColumns([a, wide, b]),
            engine.maskRows(a, flags, row),
          ];
        }),
      ),
    ));

  it('patchify', () =>
    check(
      fc.asyncProperty(size(3), size(4), size(4), size(8), (count, rows, columns, patch) =>
        compare((engine) => {
          const shape = [count, rows * patch, columns * patch, 3];
          return engine.patchify(
            engine.upload(
              randomFloats(
                shape.reduce((a, b) => a * b),
                1,
              ),
              shape,
            ),
            patch,
          );
        }),
      ),
    ));

  const layouts = fc
    .record({
      prompts: size(3),
      rows: size(7),
      columns: fc.integer({ min: 1, max: 40 }),
      shared: fc.boolean(),
    })
    .map(({ shared, ...rest }): TokenLayout => ({ ...rest, targets: shared ? 1 : rest.prompts }));

  it('addPositions and averageTargets', () =>
    check(
      fc.asyncProperty(layouts, size(30), (layout, width) =>
        compare((engine) => {
          const half = layout.rows * layout.columns;
          const rows = (layout.prompts + layout.targets) * half;
          const x = engine.upload(matrix(rows, width, 1), [rows, width]);
          const positions = engine.upload(matrix(2 * half, width, 2), [2 * half, width]);
          return [engine.addPositions(x, positions, layout), engine.averageTargets(x, layout)];
        }),
      ),
    ));

  it('attention: shared targets, relative positions, queries', () =>
    check(
      fc.asyncProperty(
        layouts,
        size(3),
        size(40),
        fc.boolean(),
        fc.boolean(),
        (layout, heads, d, relative, some) =>
          compare((engine) => {
            const { prompts, targets, rows, columns } = layout;
            const half = rows * columns;
            const all = (prompts + targets) * half;
            const D = heads * d;
            const qkv = engine.upload(matrix(all, 3 * D, 1), [all, 3 * D]);
            const table = (length: number, seed: number) =>
              engine.upload(matrix(length * length, d, seed), [length * length, d]);
            return engine.attention(qkv, layout, {
              heads,
              relative: relative ? { rows: table(2 * rows, 2), columns: table(columns, 3) } : null,
              queries: some
                ? [
                    [half - columns, half],
                    [prompts * half, prompts * half + half],
                  ]
                : undefined,
            });
          }, 1e-4),
      ),
    ));

  it('paintingHead', () =>
    check(
      fc.asyncProperty(
        size(2),
        size(3),
        size(4),
        size(6),
        size(40),
        (images, rows, columns, patch, channels) =>
          compare((engine) => {
            const convolution = engine.loadLinear(
              stored([channels, 9 * channels], 1),
              stored([channels], 2),
              { exact: true },
            );
            const colors = engine.loadLinear(stored([3, channels], 3), stored([3], 4), {
              exact: true,
            });
            const norm = {
              gamma: engine.upload(randomFloats(channels, 5), [channels]),
              beta: engine.upload(randomFloats(channels, 6), [channels]),
              epsilon: 1e-5,
            };
            const shape = [images * rows * columns, patch * patch * channels];
            const features = engine.upload(matrix(shape[0], shape[1], 7), shape);
            const painted = engine.paintingHead(
              features,
              { images, rows, columns, patch },
              { convolution, norm, colors },
            );
            engine.dispose(convolution, colors);
            return painted;
          }, 2e-4),
      ),
    ));
});
