import fc from 'fast-check';
import { quantizeRows } from '../../../src/tensors/quantize-rows';
import type { StoredTensor } from '../../../src/tensors/stored-tensor';
import { createWasmEngine, type WasmEngine } from '../../../src/engines/wasm';
import { floatToHalf } from '../../../src/tensors/half';
import { halfToFloat } from '../../../src/tensors/element-types';
import { largestDifference } from '../../helpers/reference';
import { byteEngine, byteKernels, randomFloats, stored } from './helpers';

/** `x Wᵀ + b` in double precision, with both sides rounded as the engine rounds them. */
function quantizedProduct(
  x: Float32Array,
  weights: Float32Array,
  bias: Float32Array,
  rows: number,
  inputs: number,
  outputs: number,
  steps: number,
) {
  const { integers, scales } = quantizeRows(weights, outputs);
  const y = new Float32Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * inputs, (r + 1) * inputs);
    const [low, high] = [Math.min(...row), Math.max(...row)];
    const step = (high - low) / steps;
    const middle = (steps + 1) / 2;
    const offset = low + middle * step;
    const rounded = Array.from(
      row,
      (value) =>
        (step
          ? Math.min(middle - 1, Math.max(-middle, Math.round((value - offset) / step))) * step
          : 0) + offset,
    );
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += rounded[k] * integers[n * inputs + k];
      y[r * outputs + n] = sum * scales[n] + bias[n];
    }
  }
  return y;
}

describe.each(byteKernels)('int8 product, $name', ({ steps, ...kernel }) => {
  let engine: WasmEngine;
  beforeAll(async () => (engine = await byteEngine(kernel)));
  afterAll(() => engine.release());

  it('equals the product of the rounded numbers', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 150 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer(),
        async (rows, inputs, outputs, seed) => {
          const weight = stored([outputs, inputs], seed);
          const bias = stored([outputs], seed + 1);
          const x = randomFloats(rows * inputs, seed + 2).map(
            (value, i) => value * (1 + (i % 7)) + 0.5,
          );
          const layer = engine.loadLinear(weight, bias);
          const tensor = engine.upload(x, [rows, inputs]);
          const y = engine.linear(tensor, layer);
          const values = await engine.download(y);
          engine.dispose(layer, tensor, y);
          const floats = ({ data }: StoredTensor) => new Float32Array(data.slice().buffer);
          const expected = quantizedProduct(
            x,
            floats(weight),
            floats(bias),
            rows,
            inputs,
            outputs,
            steps,
          );
          // A value that lies on the edge between two integers may be rounded either way.
          const slack = (255 / steps) * (inputs < 20 ? 0.1 : 0.02 * Math.sqrt(inputs));
          expect(largestDifference(values, expected)).toBeLessThan(slack);
        },
      ),
      { numRuns: 30 },
    ));

  it('convolves as it multiplies the neighbourhoods', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          images: fc.integer({ min: 1, max: 2 }),
          rows: fc.integer({ min: 1, max: 7 }),
          columns: fc.integer({ min: 1, max: 7 }),
        }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 35 }),
        async (grid, channels, outputs) => {
          const count = grid.images * grid.rows * grid.columns;
          const layer = engine.loadLinear(stored([outputs, 9 * channels], 1), stored([outputs], 2));
          const made = engine.tidy(() => {
            const x = engine.upload(randomFloats(count * channels, 3), [count, channels]);
            const shifted = Array.from({ length: 9 }, (_, tap) => {
              const [dy, dx] = [Math.floor(tap / 3) - 1, (tap % 3) - 1];
              const indices = Int32Array.from({ length: count }, (_, row) => {
                const y = (Math.floor(row / grid.columns) % grid.rows) + dy;
                const column = (row % grid.columns) + dx;
                const inside = y >= 0 && y < grid.rows && column >= 0 && column < grid.columns;
                return inside ? row + dy * grid.columns + dx : -1;
              });
              return engine.gatherRows(x, indices);
            });
            return [
              engine.convolution(x, layer, grid, { activation: 'relu' }),
              engine.linear(engine.concatColumns(shifted), layer, { activation: 'relu' }),
            ];
          });
          const [found, expected] = await Promise.all(made.map((each) => engine.download(each)));
          engine.dispose(layer, ...made);
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 15 },
    ));

  it('is exact where nothing is rounded', async () => {
    const [rows, inputs, outputs] = [5, 64, 20];
    // Every row spans all bytes there are, every channel -63 … 63.
    const lowest = -(steps + 1) / 2;
    const x = Float32Array.from(
      { length: rows * inputs },
      (_, i) => lowest + (i % inputs === 0 ? 0 : i % inputs === 1 ? steps : (i * 29) % steps),
    );
    const weights = Float32Array.from({ length: outputs * inputs }, (_, i) =>
      i % inputs === 0 ? 63 : ((i * 31) % 127) - 63,
    );
    const layer = engine.loadLinear(
      { name: 'w', dtype: 'F32', shape: [outputs, inputs], data: new Uint8Array(weights.buffer) },
      null,
    );
    const tensor = engine.upload(x, [rows, inputs]);
    const y = engine.linear(tensor, layer);
    const values = await engine.download(y);
    for (let r = 0; r < rows; r++) {
      for (let n = 0; n < outputs; n++) {
        let sum = 0;
        for (let k = 0; k < inputs; k++) sum += x[r * inputs + k] * weights[n * inputs + k];
        expect(values[r * outputs + n]).toBeCloseTo(sum, 0);
      }
    }
    engine.dispose(layer, tensor, y);
  });
});

describe('int8 weights', () => {
  it('stored beforehand give the same numbers as floats rounded at load', async () => {
    const engine = await createWasmEngine({ threads: 1, precision: 'int8' });
    const [rows, inputs, outputs] = [7, 40, 24];
    const weight = stored([outputs, inputs], 1);
    const { integers, scales } = quantizeRows(
      new Float32Array(weight.data.slice().buffer),
      outputs,
    );
    const rounded: StoredTensor = {
      ...weight,
      dtype: 'I8',
      data: new Uint8Array(integers.buffer),
      scales,
    };
    const x = engine.upload(randomFloats(rows * inputs, 2), [rows, inputs]);
    const results = await Promise.all(
      [weight, rounded].map((tensor) =>
        engine.download(engine.linear(x, engine.loadLinear(tensor, null))),
      ),
    );
    expect(results[0]).toEqual(results[1]);
    engine.release();
  });

  it('round to within half a step', () => {
    const values = randomFloats(8 * 33, 1);
    const { integers, scales } = quantizeRows(values, 8);
    values.forEach((value, i) => {
      const scale = scales[Math.floor(i / 33)];
      expect(Math.abs(integers[i] * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
    });
    expect(quantizeRows(new Float32Array(4), 2)).toEqual({
      integers: new Int8Array(4),
      scales: new Float32Array([1, 1]),
    });
  });
});

describe('half precision', () => {
  it('survives a round trip for every finite number', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfToFloat(bits);
      if (Number.isFinite(value)) expect(floatToHalf(value)).toBe(bits);
    }
  });
  it('rounds to nearest, ties to even, and never to infinity', () => {
    expect(floatToHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(floatToHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(floatToHalf(2 ** -25)).toBe(0);
    expect(floatToHalf(1e6)).toBe(0x7bff);
  });
});
