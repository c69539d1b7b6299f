import fc from 'fast-check';
import ndarray from 'ndarray';
import { toFloats } from '../../src/tensors/to-floats';

it('reads in row-major order, whatever the strides', () => {
  const sides = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sides, fc.nat(3), fc.infiniteStream(fc.nat(1e6)), (shape, cut, stream) => {
      const order = [...shape.keys()];
      for (let i = order.length - 1; i > 0; i--) {
        const j = stream.next().value! % (i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      const length = shape.reduce((a, b) => a * b, 1);
      const whole = ndarray(
        Float32Array.from({ length: length + cut }, (_, i) => i),
        shape,
        undefined,
        cut,
      );
      const turned = whole.transpose(...order);
      const flipped = turned.step(...turned.shape.map((_, i) => (i === 0 ? -1 : 1)));
      for (const array of [whole, turned, flipped]) {
        let expected: number[][] = [[]];
        for (const side of array.shape)
          expected = expected.flatMap((at) => Array.from({ length: side }, (_, i) => [...at, i]));
        expect([...toFloats(array)]).toEqual(expected.map((at) => array.get(...at)));
      }
    }),
    { numRuns: 100 },
  );
});

it('makes a new array of any type of values, and of none', () => {
  const data = Int16Array.of(-3, 4);
  const floats = toFloats(ndarray(data, [2]));
  expect(floats).toEqual(Float32Array.of(-3, 4));
  expect(toFloats(ndarray([1.5, 2], [2, 1]))).toEqual(Float32Array.of(1.5, 2));
  expect(toFloats(ndarray(new Float32Array(0), [0, 3]))).toHaveLength(0);
  expect(toFloats(ndarray(Float64Array.of(7), []))).toEqual(Float32Array.of(7));
});
