import fc from 'fast-check';
import { maskToPolygons, polygonsToMask } from '../../src/masks/polygons';

it('outlines one pixel by its four corners', () => {
  expect(maskToPolygons([0, 0, 0, 0, 1, 0, 0, 0, 0], 3, 3)).toEqual([[2, 1, 2, 2, 1, 2, 1, 1]]);
});

it('keeps regions apart that touch by a corner', () => {
  expect(maskToPolygons([1, 0, 0, 1], 2, 2)).toHaveLength(2);
});

it('joins a hole to its outline, which stays one polygon', () => {
  const ring = [1, 1, 1, 1, 0, 1, 1, 1, 1];
  const polygons = maskToPolygons(ring, 3, 3);
  expect(polygons).toHaveLength(1);
  expect([...polygonsToMask(polygons, 3, 3)]).toEqual(ring);
});

it('gives every mask back: holes, islands in holes, borders', () => {
  fc.assert(
    fc.property(
      fc
        .tuple(
          fc.integer({ min: 1, max: 24 }),
          fc.integer({ min: 1, max: 24 }),
          fc.integer({ min: 1, max: 9 }),
        )
        .chain(([height, width, density]) =>
          fc.record({
            height: fc.constant(height),
            width: fc.constant(width),
            data: fc.array(
              fc.integer({ min: 0, max: 9 }).map((value) => (value < density ? 1 : 0)),
              { minLength: height * width, maxLength: height * width },
            ),
          }),
        ),
      ({ height, width, data }) => {
        expect([...polygonsToMask(maskToPolygons(data, height, width), height, width)]).toEqual(
          data,
        );
      },
    ),
    { numRuns: 300 },
  );
});

it('fills general polygons by pixel centres', () => {
  const mask = polygonsToMask([[0, 0, 4, 0, 0, 4]], 4, 4);
  expect([...mask]).toEqual([1, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
});

it('goes clockwise along pixel edges, with a point at each corner alone', () => {
  // 110
  // 010
  expect(maskToPolygons([1, 1, 0, 0, 1, 0], 2, 3)).toEqual([[2, 0, 2, 2, 1, 2, 1, 1, 0, 1, 0, 0]]);
});

it('gives regions in the order of their top sides', () => {
  const polygons = maskToPolygons([0, 0, 1, 1, 0, 0], 2, 3);
  expect(polygons).toEqual([
    [3, 0, 3, 1, 2, 1, 2, 0],
    [1, 1, 1, 2, 0, 2, 0, 1],
  ]);
});

it('cuts a hole in from the nearest side above its topmost point', () => {
  const polygons = maskToPolygons([1, 1, 1, 1, 0, 1, 1, 1, 1], 3, 3);
  const [polygon] = polygons;
  // 3 x 3 around (1, 1): along the top to x = 1, down, round the hole the other way, and back up.
  const points = Array.from({ length: polygon.length / 2 }, (_, i) =>
    polygon.slice(2 * i, 2 * i + 2),
  );
  expect(points).toHaveLength(4 + 4 + 3);
  const text = points.map(String);
  const cut = text.indexOf('1,0');
  expect([...text.slice(cut), ...text.slice(0, cut)].slice(0, 7)).toEqual([
    '1,0',
    '1,1',
    '1,2',
    '2,2',
    '2,1',
    '1,1',
    '1,0',
  ]);
});

it('joins a hole to the region that holds it, not to one above', () => {
  // A bar over a ring over an island: the cut ends at the ring.
  const mask = Array.from(
    '11111' + '00000' + '11111' + '10001' + '10101' + '10001' + '11111',
    Number,
  );
  const polygons = maskToPolygons(mask, 7, 5);
  expect(polygons).toHaveLength(3);
  expect(polygons[0]).toEqual([5, 0, 5, 1, 0, 1, 0, 0]);
  // Each fills what it holds alone.
  expect(polygons.map((each) => polygonsToMask([each], 7, 5).reduce((a, b) => a + b, 0))).toEqual([
    5, 16, 1,
  ]);
});

it('joins polygons that overlap, and leaves out what one crosses twice', () => {
  const square = [0, 0, 2, 0, 2, 2, 0, 2];
  expect([...polygonsToMask([square, square], 2, 3)]).toEqual([1, 1, 0, 1, 1, 0]);
  expect([...polygonsToMask([[...square, ...square]], 2, 3)]).toEqual([0, 0, 0, 0, 0, 0]);
});

it('takes a pixel if its centre is inside, the left and upper border counting as inside', () => {
  expect([...polygonsToMask([[0.5, 0, 2.5, 0, 2.5, 1, 0.5, 1]], 1, 4)]).toEqual([1, 1, 0, 0]);
  expect([...polygonsToMask([[0.51, 0, 2.51, 0, 2.51, 1, 0.51, 1]], 1, 4)]).toEqual([0, 1, 1, 0]);
  expect([...polygonsToMask([[0, 0.5, 1, 0.5, 1, 2.5, 0, 2.5]], 4, 1)]).toEqual([1, 1, 0, 0]);
  expect([...polygonsToMask([[0, 0.51, 1, 0.51, 1, 2.51, 0, 2.51]], 4, 1)]).toEqual([0, 1, 1, 0]);
});

it('clips to the picture', () => {
  expect([...polygonsToMask([[-5, -5, 9, -5, 9, 9, -5, 9]], 2, 3)]).toEqual([1, 1, 1, 1, 1, 1]);
  expect([...polygonsToMask([[-5, 0, -1, 0, -1, 2, -5, 2]], 2, 3)]).toEqual([0, 0, 0, 0, 0, 0]);
  expect([...polygonsToMask([[4, 0, 9, 0, 9, 2, 4, 2]], 2, 3)]).toEqual([0, 0, 0, 0, 0, 0]);
});
