import fc from 'fast-check';
import { innermost, squaredDistances } from '../../src/masks/distance';

it('distances are those to the nearest pixel outside, edges included', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(fc.boolean()),
      (width, height, stream) => {
        const inside = Uint8Array.from({ length: width * height }, () =>
          Number(stream.next().value),
        );
        const found = squaredDistances(inside, width, height);
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            let least = inside[y * width + x] ? Infinity : 0;
            for (let v = -1; v <= height; v++)
              for (let u = -1; u <= width; u++) {
                const within = u >= 0 && v >= 0 && u < width && v < height;
                if (within && inside[v * width + u]) continue;
                least = Math.min(least, (u - x) ** 2 + (v - y) ** 2);
              }
            if (found[y * width + x] !== least) return false;
          }
        return true;
      },
    ),
    { numRuns: 200 },
  );
});

it('the innermost pixel is the first of the deepest', () => {
  const inside = Uint8Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1]);
  expect(innermost(inside, 5, 4)).toEqual({ x: 2, y: 2, distance: 2 });
});
