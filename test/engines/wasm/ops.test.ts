/** Every op on random shapes against the tfjs engine, which is the specification. */
import fc from 'fast-check';
import type { StoredTensor } from '../../../src/tensors/stored-tensor';
import type { Activation, Engine, EngineTensor } from '../../../src/engines/engine';
import type { TfjsEngine } from '../../../src/engines/tfjs/tfjs-engine';
import { windowsOf } from '../../../src/nn/windows';
import { createWasmEngine, type WasmEngine } from '../../../src/engines/wasm';
import { largestDifference } from '../../helpers/reference';
import { attentionCases, headsOf } from '../attention-cases';
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
    for (const engine of [wasm, oracle] as readonly Engine[]) {
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

  const activations = fc.constantFrom<Activation | undefined>(undefined, 'gelu', 'relu', 'sigmoid');

  it('linear: bias, activations, residual, odd sizes', () =>
    check(
      fc.asyncProperty(
        size(70),
        size(300),
        size(90),
        fc.boolean(),
        activations,
        fc.boolean(),
        (rows, inputs, outputs, biased, activation, residual) => {
          const weight = stored([outputs, inputs], 1);
          const bias = biased ? stored([outputs], 2) : null;
          return compare((engine) => {
            const layer = engine.loadLinear(weight, bias);
            const x = engine.upload(matrix(rows, inputs, 3), [rows, inputs]);
            const extra = engine.upload(matrix(rows, outputs, 4), [rows, outputs]);
            const y = engine.linear(x, layer, {
              activation,
              residual: residual ? extra : undefined,
            });
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

  it('add, mean, interpolate, rows taken, gathered, joined and masked, activate, reshape', () =>
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
            engine.multiply(a, b),
            engine.multiply(a, a),
            engine.add(a, row),
            engine.add(engine.concatRows([a, b, a]), b),
            engine.mean([a]),
            engine.mean([a, b]),
            engine.mean([a, b, b, a, b]),
            engine.interpolate(factors, a),
            engine.activate(a, 'gelu'),
            engine.activate(a, 'relu'),
            engine.activate(a, 'sigmoid'),
            engine.reshape(a, [width, 1, rows]),
            engine.gatherRows(
              a,
              Int32Array.from({ length: other }, (_, i) => ((i * 7) % (rows + 1)) - 1),
            ),
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

  it('interpolate along an inner axis', () =>
    check(
      fc.asyncProperty(
        size(3),
        size(9),
        size(9),
        size(5),
        size(21),
        (outer, from, to, inner, width) =>
          compare((engine) => {
            const factors = matrix(to, from, 1).map((value) => (value > 0.2 ? value : 0));
            const rows = outer * from * inner;
            const table = engine.upload(matrix(rows, width, 2), [rows, width]);
            return engine.interpolate(factors, table, { outer, inner });
          }),
      ),
    ));

  it('patchify and pixelShuffle', () =>
    check(
      fc.asyncProperty(
        size(3),
        size(4),
        size(4),
        size(8),
        size(5),
        (images, rows, columns, patch, channels) =>
          compare((engine) => {
            const shape = [images, rows * patch, columns * patch, channels];
            const length = shape.reduce((a, b) => a * b);
            const patches = engine.patchify(engine.upload(randomFloats(length, 1), shape), patch);
            return [patches, engine.pixelShuffle(patches, { images, rows, columns, patch })];
          }),
      ),
    ));

  const grids = fc.record({ images: size(3), rows: size(9), columns: size(9) });
  const strides = fc.constantFrom(1 as const, 2 as const);

  it('convolution and depthwiseConvolution: strides, activations, odd sizes', () =>
    check(
      fc.asyncProperty(
        grids,
        size(21),
        size(35),
        strides,
        activations,
        (grid, channels, outputs, stride, activation) =>
          compare((engine) => {
            const rows = grid.images * grid.rows * grid.columns;
            const x = engine.upload(matrix(rows, channels, 1), [rows, channels]);
            const layer = engine.loadLinear(
              stored([outputs, 9 * channels], 2),
              stored([outputs], 3),
            );
            const kernel = engine.upload(matrix(9, channels, 4), [9, channels]);
            const bias = engine.upload(matrix(1, channels, 5), [channels]);
            const options = { stride, activation };
            const made = [
              engine.convolution(x, layer, grid, options),
              engine.depthwiseConvolution(x, kernel, bias, grid, options),
            ];
            engine.dispose(layer);
            return made;
          }),
      ),
    ));

  it('convolution of a picture whose neighbourhoods are written in several pieces', () =>
    compare((engine) => {
      const grid = { images: 2, rows: 61, columns: 67 };
      const rows = 2 * 61 * 67;
      const x = engine.upload(matrix(rows, 24, 1), [rows, 24]);
      const layer = engine.loadLinear(stored([9, 9 * 24], 2), stored([9], 3));
      const y = engine.convolution(x, layer, grid);
      engine.dispose(layer);
      return y;
    }));

  it('attention: segments, sets of keys, relative positions, bias, other queries than keys', () =>
    check(
      fc.asyncProperty(attentionCases(), (each) =>
        compare((engine) => {
          const { q, k, v, plan } = headsOf(engine, each);
          return engine.attention(q, k, v, plan);
        }, 1e-4),
      ),
      60,
    ));

  it('attention in windows', () =>
    check(
      fc.asyncProperty(grids, size(5), size(3), size(20), (grid, side, heads, headWidth) =>
        compare((engine) => {
          const rows = grid.images * grid.rows * grid.columns;
          const { partition, restore, segments } = windowsOf(grid, side);
          const width = 3 * heads * headWidth;
          const all = engine.upload(matrix(rows, width, 1), [rows, width]);
          const qkv = engine.gatherRows(all, partition);
          const column = (part: number) => ({ tensor: qkv, column: part * heads * headWidth });
          const bias = engine.upload(matrix(heads * side ** 4, 1, 2), [
            heads,
            side ** 2,
            side ** 2,
          ]);
          const plan = { heads, headWidth, segments, bias };
          const mixed = engine.attention(column(0), column(1), column(2), plan);
          return engine.gatherRows(mixed, restore);
        }, 1e-4),
      ),
    ));
});
