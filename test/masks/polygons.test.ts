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
