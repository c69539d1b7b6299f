/** The fused painting head and the one made of parts, on every engine, against the parts on TF.js. */
import fc from 'fast-check';
import type { Engine } from '../../src/engines/engine';
import { createWasmEngine } from '../../src/engines/wasm';
import { paintingHead, paintingHeadByParts } from '../../src/nn/painting-head';
import { plainTfjs, randomFloats, stored } from '../engines/wasm/helpers';
import { largestDifference } from '../helpers/reference';

const size = (max: number) => fc.integer({ min: 1, max });

describe('painting head', () => {
  let specification: Engine;
  const others: Engine[] = [];
  beforeAll(async () => {
    specification = await plainTfjs();
    others.push(
      await createWasmEngine({ threads: 2 }),
      await createWasmEngine({ threads: 1, relaxedSimd: false }),
      await createWasmEngine({ threads: 1, precision: 'int8' }),
    );
  });
  afterAll(() => [specification, ...others].forEach((engine) => engine.release()));

  async function painted(
    engine: Engine,
    head: typeof paintingHead,
    grid: Parameters<typeof paintingHead>[2],
    channels: number,
  ): Promise<Float32Array> {
    const before = engine.memory().tensors;
    const out = engine.tidy(() => {
      const exact = { exact: true };
      const convolution = engine.loadLinear(
        stored([channels, 9 * channels], 1),
        stored([channels], 2),
        exact,
      );
      const colors = engine.loadLinear(stored([3, channels], 3), stored([3], 4), exact);
      const norm = {
        gamma: engine.upload(randomFloats(channels, 5), [channels]),
        beta: engine.upload(randomFloats(channels, 6), [channels]),
        epsilon: 1e-5,
      };
      const [rows, width] = [
        grid.images * grid.rows * grid.columns,
        grid.patch * grid.patch * channels,
      ];
      const features = engine.upload(randomFloats(rows * width, 7), [rows, width]);
      const result = head(engine, features, grid, { convolution, norm, colors });
      engine.dispose(convolution, colors);
      return result;
    });
    expect(out.shape).toEqual([grid.images, grid.rows * grid.patch, grid.columns * grid.patch, 3]);
    const values = await engine.download(out);
    engine.dispose(out);
    expect(engine.memory().tensors).toBe(before);
    return values;
  }

  it('is the same in one and by parts, on every engine', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({ images: size(2), rows: size(3), columns: size(4), patch: size(6) }),
        size(40),
        async (grid, channels) => {
          const expected = await painted(specification, paintingHeadByParts, grid, channels);
          for (const engine of others) {
            for (const head of [paintingHead, paintingHeadByParts]) {
              const found = await painted(engine, head, grid, channels);
              const scale = 1 + Math.max(...expected.map(Math.abs));
              expect(largestDifference(found, expected) / scale).toBeLessThan(2e-4);
            }
          }
        },
      ),
      { numRuns: 20 },
    ));

  it('takes the engine’s own way where there is one', () => {
    const own = jest.fn().mockReturnValue('painted');
    const engine = { paintingHead: own } as unknown as Engine;
    expect(paintingHead(engine, 'features' as never, 'grid' as never, 'weights' as never)).toBe(
      'painted',
    );
    expect(own).toHaveBeenCalledWith('features', 'grid', 'weights');
  });
});
