import { regionsOf, withoutSmallRegions } from '../../src/masks/regions';

const drawing = (rows: string[]) =>
  Uint8Array.from(rows.join(''), (letter) => (letter === '#' ? 1 : 0));

it('regions hang together by corners', () => {
  const { numbers, areas } = regionsOf(drawing(['#..#', '.#..', '...#']), 4, 3);
  expect(areas).toEqual([0, 2, 1, 1]);
  expect([...numbers]).toEqual([1, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 3]);
});

it('small holes are filled, small islands removed', () => {
  const before = drawing(['#####..', '#.###.#', '#####..']);
  expect(withoutSmallRegions(before, 7, 3, 2)).toEqual(drawing(['#####..', '#####..', '#####..']));
  expect(withoutSmallRegions(before, 7, 3, 1)).toBe(before);
});

it('the largest island stays though it is small', () => {
  const before = drawing(['##...#', '......']);
  expect(withoutSmallRegions(before, 6, 2, 5)).toEqual(drawing(['##....', '......']));
});
