/** Ops against what they mean, written out number by number: the tfjs engine, which specifies the others, is tested too. */
import fc from 'fast-check';
import { InvalidInputError } from '../../src/base/errors';
import type { Engine, EngineTensor } from '../../src/engines/engine';
import { createWasmEngine } from '../../src/engines/wasm';
import { windowsOf } from '../../src/nn/windows';
import { largestDifference } from '../helpers/reference';
import { attentionCases, headsOf, plainAttention } from './attention-cases';
import { plainTfjs, randomFloats, stored } from './wasm/helpers';

const size = (max: number) => fc.integer({ min: 1, max });
const grids = fc.record({ images: size(2), rows: size(7), columns: size(7) });

/** Value of a picture `(B, H, W, C)`; zero outside. */
function pixelAt(
  values: Float32Array,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  channels: number,
) {
  return (image: number, y: number, x: number, c: number) =>
    y < 0 || x < 0 || y >= rows || x >= columns
      ? 0
      : values[((image * rows + y) * columns + x) * channels + c];
}

describe.each(['tfjs', 'wasm'] as const)('%s engine', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = name === 'tfjs' ? await plainTfjs() : await createWasmEngine({ threads: 1 });
  });
  afterAll(() => engine.release());

  async function valuesOf(work: () => EngineTensor): Promise<Float32Array> {
    const made = engine.tidy(work);
    const values = await engine.download(made);
    engine.dispose(made);
    return values;
  }

  it('attention', () =>
    fc.assert(
      fc.asyncProperty(attentionCases(), async (each) => {
        const found = await valuesOf(() => {
          const { q, k, v, plan } = headsOf(engine, each);
          return engine.attention(q, k, v, plan);
        });
        const expected = plainAttention(each);
        expect(found).toHaveLength(expected.length);
        expect(largestDifference(found, expected)).toBeLessThan(1e-4);
      }),
      { numRuns: 40 },
    ));

  it.each([
    [1, 3], // as many rows in all, in either order: nothing would have told
    [2, 3],
  ])(
    'attention: sets of %d and %d keys beside sets of as many the other way round',
    async (a, b) => {
      const span = { start: 1, end: 2, position: 0 };
      const sets = [a, b].map((count) => Array.from({ length: count }, () => span));
      const other = { start: 3, end: 4, position: 0 };
      const each = {
        heads: 1,
        headWidth: 2,
        queryRows: 4,
        keyRows: 5,
        segments: [
          { queries: span, keys: [[other, ...sets[0]], sets[1]] },
          { queries: other, keys: [[other, ...sets[1]], sets[0]] },
          { queries: span, keys: sets },
          { queries: other, keys: [sets[1], [...sets[0].slice(1), other]] },
        ],
        grid: null,
        bias: null,
        seed: 7,
      };
      const found = await valuesOf(() => {
        const { q, k, v, plan } = headsOf(engine, each);
        return engine.attention(q, k, v, plan);
      });
      expect(largestDifference(found, plainAttention(each))).toBeLessThan(1e-5);
    },
  );

  it('refuses plans that name what there is not, and tensors of another engine', async () => {
    const matrix = engine.upload(new Float32Array(24), [4, 6]);
    const attend = (segments: Parameters<Engine['attention']>[3]['segments'], headWidth = 2) =>
      engine.attention(
        { tensor: matrix },
        { tensor: matrix, column: 2 },
        { tensor: matrix, column: 4 },
        { heads: 1, headWidth, segments },
      );
    const span = { start: 0, end: 4 };
    engine.dispose(attend([{ queries: span, keys: [[span]] }]));
    for (const wrong of [
      () => attend([{ queries: { start: 0, end: 5 }, keys: [[span]] }]),
      () => attend([{ queries: span, keys: [[{ start: 3, end: 3 }]] }]),
      () => attend([{ queries: span, keys: [] }]),
      () => attend([{ queries: span, keys: [[]] }]),
      () => attend([{ queries: span, keys: [[span]] }], 3),
      () => engine.add(matrix, { shape: [4, 6] }),
      () => engine.dispose({ shape: [4, 6] }),
    ])
      expect(wrong).toThrow(InvalidInputError);
    const other = await createWasmEngine({ threads: 1 });
    const foreign = other.upload(new Float32Array(24), [4, 6]);
    expect(() => engine.add(matrix, foreign)).toThrow(InvalidInputError);
    other.release();
    engine.dispose(matrix);
  });

  it('convolution and depthwiseConvolution', () =>
    fc.assert(
      fc.asyncProperty(
        grids,
        size(6),
        size(6),
        fc.constantFrom(1 as const, 2 as const),
        async (grid, channels, outputs, stride) => {
          const { images, rows, columns } = grid;
          const values = randomFloats(images * rows * columns * channels, 1);
          const weights = randomFloats(outputs * 9 * channels, 2);
          const depthwise = randomFloats(9 * channels, 3);
          const bias = randomFloats(Math.max(outputs, channels), 4);
          const at = pixelAt(values, grid, channels);
          const plain: number[] = [];
          const plainDepthwise: number[] = [];
          for (let b = 0; b < images; b++) {
            for (let y = 0; y < rows; y += stride) {
              for (let x = 0; x < columns; x += stride) {
                for (let o = 0; o < outputs; o++) {
                  let sum = bias[o];
                  for (let tap = 0; tap < 9; tap++) {
                    const [dy, dx] = [Math.floor(tap / 3) - 1, (tap % 3) - 1];
                    for (let c = 0; c < channels; c++)
                      sum += weights[(o * 9 + tap) * channels + c] * at(b, y + dy, x + dx, c);
                  }
                  plain.push(sum);
                }
                for (let c = 0; c < channels; c++) {
                  let sum = bias[c];
                  for (let tap = 0; tap < 9; tap++) {
                    const [dy, dx] = [Math.floor(tap / 3) - 1, (tap % 3) - 1];
                    sum += depthwise[tap * channels + c] * at(b, y + dy, x + dx, c);
                  }
                  plainDepthwise.push(sum);
                }
              }
            }
          }
          const picture = () => engine.upload(values, [images * rows * columns, channels]);
          const floats = (shape: number[], data: Float32Array) => ({
            ...stored(shape, 0),
            data: new Uint8Array(data.slice().buffer),
          });
          const convolved = await valuesOf(() => {
            const layer = engine.loadLinear(
              floats([outputs, 9 * channels], weights),
              floats([outputs], bias.subarray(0, outputs)),
            );
            const y = engine.convolution(picture(), layer, grid, { stride });
            engine.dispose(layer);
            return y;
          });
          expect(convolved).toHaveLength(plain.length);
          expect(largestDifference(convolved, Float32Array.from(plain))).toBeLessThan(1e-4);
          const each = await valuesOf(() =>
            engine.depthwiseConvolution(
              picture(),
              engine.upload(depthwise, [9, channels]),
              engine.upload(bias.slice(0, channels), [channels]),
              grid,
              { stride },
            ),
          );
          expect(each).toHaveLength(plainDepthwise.length);
          expect(largestDifference(each, Float32Array.from(plainDepthwise))).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 25 },
    ));

  it('patchify and pixelShuffle', async () => {
    const [images, rows, columns, patch, channels] = [2, 3, 2, 3, 2];
    const grid = { rows: rows * patch, columns: columns * patch };
    const values = randomFloats(images * grid.rows * grid.columns * channels, 1);
    const at = pixelAt(values, grid, channels);
    const expected: number[] = [];
    for (let b = 0; b < images; b++)
      for (let r = 0; r < rows; r++)
        for (let column = 0; column < columns; column++)
          for (let dy = 0; dy < patch; dy++)
            for (let dx = 0; dx < patch; dx++)
              for (let c = 0; c < channels; c++)
                expected.push(at(b, r * patch + dy, column * patch + dx, c));
    const shape = [images, grid.rows, grid.columns, channels];
    const patches = await valuesOf(() => engine.patchify(engine.upload(values, shape), patch));
    expect(patches).toEqual(Float32Array.from(expected));
    const back = await valuesOf(() =>
      engine.pixelShuffle(engine.patchify(engine.upload(values, shape), patch), {
        images,
        rows,
        columns,
        patch,
      }),
    );
    expect(back).toEqual(values);
  });

  it('activations, mean, repeated rows, gathered rows', async () => {
    const x = [-9, -1.5, -0.25, 0, 0.5, 2, 40, -40];
    const input = () => engine.upload(Float32Array.from(x), [4, 2]);
    const relu = await valuesOf(() => engine.activate(input(), 'relu'));
    expect([...relu]).toEqual([0, 0, 0, 0, 0.5, 2, 40, 0]);
    const sigmoid = await valuesOf(() => engine.activate(input(), 'sigmoid'));
    sigmoid.forEach((value, i) => expect(value).toBeCloseTo(1 / (1 + Math.exp(-x[i])), 6));
    // Normal distribution's table: Φ(-1.5), Φ(-0.25), Φ(0.5), Φ(2).
    const gelu = await valuesOf(() => engine.activate(input(), 'gelu'));
    const expected = [
      0,
      -1.5 * 0.0668072,
      -0.25 * 0.4012937,
      0,
      0.5 * 0.6914625,
      2 * 0.9772499,
      40,
      0,
    ];
    gelu.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
    const added = await valuesOf(() =>
      engine.add(input(), engine.upload(Float32Array.from([1, 2, 3, 4]), [2, 2])),
    );
    expect([...added]).toEqual([-8, 0.5, 2.75, 4, 1.5, 4, 43, -36]);
    const mean = await valuesOf(() =>
      engine.mean([input(), input(), engine.upload(added, [4, 2])]),
    );
    mean.forEach((value, i) => expect(value).toBeCloseTo((2 * x[i] + added[i]) / 3, 5));
    const gathered = await valuesOf(() =>
      engine.gatherRows(input(), Int32Array.from([3, -1, 0, 3])),
    );
    expect([...gathered]).toEqual([40, -40, 0, 0, -9, -1.5, 40, -40]);
  });

  it('windows: every token meets those of its window alone', async () => {
    // One head whose keys are all alike: each output is the mean of the window's values, padding included.
    const grid = { images: 2, rows: 5, columns: 7 };
    const count = 2 * 5 * 7;
    const values = randomFloats(count, 1);
    const { partition, restore, segments } = windowsOf(grid, 3);
    const found = await valuesOf(() => {
      const gathered = engine.gatherRows(engine.upload(values, [count, 1]), partition);
      const alike = engine.upload(new Float32Array(partition.length), [partition.length, 1]);
      const plan = { heads: 1, headWidth: 1, segments };
      const mixed = engine.attention(
        { tensor: alike },
        { tensor: alike },
        { tensor: gathered },
        plan,
      );
      return engine.gatherRows(mixed, restore);
    });
    const at = pixelAt(values, grid, 1);
    for (let row = 0; row < count; row++) {
      const [b, y, x] = [Math.floor(row / 35), Math.floor(row / 7) % 5, row % 7];
      let sum = 0;
      for (let dy = 0; dy < 3; dy++)
        for (let dx = 0; dx < 3; dx++) sum += at(b, y - (y % 3) + dy, x - (x % 3) + dx, 0);
      expect(found[row]).toBeCloseTo(sum / 9, 5);
    }
  });
});
