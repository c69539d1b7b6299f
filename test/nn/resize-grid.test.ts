import fc from 'fast-check';
import type { Engine } from '../../src/engines/engine';
import { createWasmEngine } from '../../src/engines/wasm';
import { resizeGrid } from '../../src/nn/resize-grid';
import { plainTfjs, randomFloats } from '../engines/wasm/helpers';
import { largestDifference } from '../helpers/reference';

const size = (max: number) => fc.integer({ min: 1, max });

describe.each(['tfjs', 'wasm'] as const)('resizeGrid on %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = name === 'tfjs' ? await plainTfjs() : await createWasmEngine({ threads: 2 });
  });
  afterAll(() => engine.release());

  it('mixes the four nearest tokens by their distance', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({ images: size(2), rows: size(6), columns: size(6) }),
        fc.record({ rows: size(9), columns: size(9) }),
        size(5),
        async (grid, to, channels) => {
          const { images, rows, columns } = grid;
          const values = randomFloats(images * rows * columns * channels, 1);
          const at = (image: number, y: number, x: number, c: number) => {
            const row = Math.min(Math.max(y, 0), rows - 1);
            const column = Math.min(Math.max(x, 0), columns - 1);
            return values[((image * rows + row) * columns + column) * channels + c];
          };
          const expected: number[] = [];
          for (let image = 0; image < images; image++) {
            for (let r = 0; r < to.rows; r++) {
              for (let column = 0; column < to.columns; column++) {
                const y = ((r + 0.5) * rows) / to.rows - 0.5;
                const x = ((column + 0.5) * columns) / to.columns - 0.5;
                const [top, left] = [Math.floor(y), Math.floor(x)];
                const [v, u] = [y - top, x - left];
                for (let c = 0; c < channels; c++) {
                  expected.push(
                    (1 - v) *
                      ((1 - u) * at(image, top, left, c) + u * at(image, top, left + 1, c)) +
                      v *
                        ((1 - u) * at(image, top + 1, left, c) +
                          u * at(image, top + 1, left + 1, c)),
                  );
                }
              }
            }
          }
          const before = engine.memory().tensors;
          const x = engine.upload(values, [images * rows * columns, channels]);
          const resized = resizeGrid(engine, x, grid, to);
          const found = await engine.download(resized);
          engine.dispose(x, resized);
          expect(engine.memory().tensors).toBe(before);
          expect(largestDifference(found, Float32Array.from(expected))).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 30 },
    ));
});
