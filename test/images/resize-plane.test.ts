import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { seededRandom } from '../../src/base/random';
import { resizePlane } from '../../src/images/resize-plane';

const side = fc.integer({ min: 1, max: 9 });

it('is what TF.js does with half-pixel centres', async () => {
  await tf.setBackend('cpu');
  fc.assert(
    fc.property(side, side, side, side, (width, height, toWidth, toHeight) => {
      const random = seededRandom(width + 10 * height);
      const data = Float32Array.from({ length: width * height }, random);
      const found = resizePlane({ data, stride: width, width, height }, toHeight, toWidth);
      const expected = tf.tidy(() =>
        tf.image
          .resizeBilinear(tf.tensor3d(data, [height, width, 1]), [toHeight, toWidth], false, true)
          .dataSync(),
      );
      expect(found).toHaveLength(toHeight * toWidth);
      found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
    }),
    { numRuns: 60 },
  );
});

it('reads a part of a wider plane, and no more', () => {
  const data = Float32Array.of(1, 2, NaN, 3, 4, NaN);
  const part = { data, stride: 3, width: 2, height: 2 };
  expect([...resizePlane(part, 2, 2)]).toEqual([1, 2, 3, 4]);
  expect([...resizePlane(part, 1, 1)]).toEqual([2.5]);
  expect([...resizePlane(part, 2, 4)]).toEqual([1, 1.25, 1.75, 2, 3, 3.25, 3.75, 4]);
});
