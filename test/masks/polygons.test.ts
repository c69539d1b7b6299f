import fc from 'fast-check';
import { polygonsToMask } from '../../src/masks/fill-polygons';
import { maskToPolygons, maskToRings, type Polygon } from '../../src/masks/polygons';

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

const masks = fc
  .tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }))
  .chain(([height, width]) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      data: fc.array(fc.constantFrom(0, 1, 1), {
        minLength: height * width,
        maxLength: height * width,
      }),
    }),
  );

it('gives holes as rings of their own, which leave out what they hold', () => {
  const ring = [1, 1, 1, 1, 0, 1, 1, 1, 1];
  expect(maskToRings(ring, 3, 3)).toEqual([
    [
      [3, 0, 3, 3, 0, 3, 0, 0],
      [1, 1, 1, 2, 2, 2, 2, 1],
    ],
  ]);
  fc.assert(
    fc.property(masks, ({ height, width, data }) => {
      const filled = new Uint8Array(data.length);
      for (const rings of maskToRings(data, height, width))
        for (const each of rings)
          polygonsToMask([each], height, width).forEach((value, i) => (filled[i] ^= value));
      expect([...filled]).toEqual(data);
    }),
  );
});

/** Distance of a point from a closed line. */
function distanceTo(line: Polygon, x: number, y: number): number {
  let least = Infinity;
  for (let i = 0; i < line.length; i += 2) {
    const j = (i + 2) % line.length;
    const [dx, dy] = [line[j] - line[i], line[j + 1] - line[i + 1]];
    const squared = dx * dx + dy * dy || 1;
    const along = ((x - line[i]) * dx + (y - line[i + 1]) * dy) / squared;
    const t = Math.min(1, Math.max(0, along));
    least = Math.min(least, Math.hypot(x - line[i] - t * dx, y - line[i + 1] - t * dy));
  }
  return least;
}

it('simplifies by a tolerance: no corner is farther from the outline, and all points were corners', () => {
  fc.assert(
    fc.property(masks, fc.constantFrom(0.5, 1, 2.5), ({ height, width, data }, tolerance) => {
      const exact = maskToRings(data, height, width);
      const simple = maskToRings(data, height, width, { tolerance });
      expect(simple.map(({ length }) => length)).toEqual(exact.map(({ length }) => length));
      exact.forEach((rings, region) =>
        rings.forEach((ring, i) => {
          const corners = new Set<string>();
          for (let p = 0; p < ring.length; p += 2) {
            corners.add(`${ring[p]},${ring[p + 1]}`);
            expect(distanceTo(simple[region][i], ring[p], ring[p + 1])).toBeLessThanOrEqual(
              tolerance,
            );
          }
          expect(simple[region][i].length).toBeGreaterThanOrEqual(6);
          for (let p = 0; p < simple[region][i].length; p += 2)
            expect(corners).toContain(`${simple[region][i][p]},${simple[region][i][p + 1]}`);
        }),
      );
      // Joined by cuts they fill the same.
      const filled = new Uint8Array(data.length);
      maskToPolygons(data, height, width, { tolerance }).forEach((joined, region) => {
        const apart = new Uint8Array(data.length);
        for (const ring of simple[region])
          polygonsToMask([ring], height, width).forEach((value, i) => (apart[i] ^= value));
        expect([...polygonsToMask([joined], height, width)]).toEqual([...apart]);
        apart.forEach((value, i) => (filled[i] |= value));
      });
    }),
  );
});

it('leaves a disc a few points, half a pixel around it', () => {
  const disc = Uint8Array.from({ length: 80 * 80 }, (_, i) =>
    Number(Math.hypot((i % 80) - 39.5, Math.floor(i / 80) - 39.5) < 32),
  );
  const [[exact], [simple]] = [0, 1].map((tolerance) =>
    maskToPolygons(disc, 80, 80, { tolerance }),
  );
  expect(exact.length / 2).toBe(148);
  expect(simple.length / 2).toBeLessThan(40);
  expect(() => maskToPolygons(disc, 80, 80, { tolerance: -1 })).toThrow('tolerance');
});

it('traces a hole of any length, and as many as there are, in seconds', () => {
  const [n, height] = [16_000, 8];
  const width = 2 * n + 5;
  const long = new Uint8Array(width * height).fill(1);
  for (let x = 2; x < width - 2; x++) {
    long[3 * width + x] = 0;
    if (x % 2) long[4 * width + x] = 0;
  }
  const [polygon] = maskToPolygons(long, height, width);
  expect(Buffer.compare(polygonsToMask([polygon], height, width), long)).toBe(0);
  expect(maskToPolygons(long, height, width, { tolerance: 1 })[0].length).toBeLessThan(40);

  const side = 2000;
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const holes = new Uint8Array(side * side);
  for (let i = 0; i < holes.length; i++) holes[i] = Number(random() > 0.02);
  const start = performance.now();
  const polygons = maskToPolygons(holes, side, side);
  expect(performance.now() - start).toBeLessThan(15_000);
  const filled = polygonsToMask(polygons, side, side);
  expect(Buffer.compare(filled, holes)).toBe(0);
});
