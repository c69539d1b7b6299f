import fc from 'fast-check';
import { quantizeRows } from '../../src/tensors/quantize-rows';

it('rounds each row over its own largest magnitude', () => {
  // Steps of 1 and of 1/2; halves go up.
  const values = Float32Array.of(63, -63, 1, 0.5, -0.5, 0.4, ...[31.5, -10, 0.25, 0.2, -0.3, 0]);
  const { integers, scales } = quantizeRows(values, 2);
  expect([...scales]).toEqual([1, 0.5]);
  expect([...integers]).toEqual([63, -63, 1, 1, 0, 0, ...[63, -20, 1, 0, -1, 0]]);
});

it('is at most half a step away, whatever the weights, and never beyond 63', () => {
  const row = fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), {
    minLength: 5,
    maxLength: 5,
  });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (rows) => {
      const values = Float32Array.from(rows.flat());
      const { integers, scales } = quantizeRows(values, rows.length);
      integers.forEach((integer, i) => {
        const scale = scales[Math.floor(i / 5)];
        expect(Math.abs(integer)).toBeLessThanOrEqual(63);
        expect(Math.abs(integer * scale - values[i])).toBeLessThanOrEqual(scale * 0.50001);
      });
      rows.forEach((each, r) => {
        const largest = Math.max(...each.map((value) => Math.abs(Math.fround(value))));
        if (largest > 1e-30) expect(scales[r] / (largest / 63)).toBeCloseTo(1, 6);
      });
    }),
  );
});

it('of zeros are zeros, and of nothing nothing', () => {
  expect(quantizeRows(new Float32Array(4), 2)).toEqual({
    integers: new Int8Array(4),
    scales: Float32Array.of(1, 1),
  });
  expect(quantizeRows(new Float32Array(0), 0).scales).toHaveLength(0);
});
