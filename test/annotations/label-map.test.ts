import type { AnnotatedObject, Category } from '../../src/annotations/model/annotated-picture';
import { toLabelMap } from '../../src/annotations/model/to-label-map';
import { InvalidInputError } from '../../src/base/errors';

const patch = (name: string, x: number, width: number, more: object = {}): AnnotatedObject => ({
  name,
  mask: { x, y: 0, width, height: 1, data: new Uint8Array(width).fill(1) },
  ...more,
});
const picture = (objects: AnnotatedObject[], categories?: Category[]) => ({
  width: 6,
  height: 1,
  objects,
  categories,
});

it('draws later objects on top, or smaller ones, and crowds beneath', () => {
  const objects = [patch('a', 1, 2), patch('b', 0, 5), patch('c', 0, 6, { crowd: true })];
  expect([...toLabelMap(picture(objects)).data]).toEqual([2, 2, 2, 2, 2, 3]);
  expect([...toLabelMap(picture(objects), { overlaps: 'smaller' }).data]).toEqual([
    2, 1, 1, 2, 2, 3,
  ]);
  expect(() => toLabelMap(picture([]), { overlaps: 'larger' as 'later' })).toThrow(
    'must be one of later, smaller, is larger',
  );
});

it('cuts off what lies outside', () => {
  const objects: AnnotatedObject[] = [
    patch('a', -1, 2),
    patch('b', 5, 9),
    patch('c', 7, 2),
    { name: 'd', polygons: [[2, -9, 3, -9, 3, 9, 2, 9]] },
    { name: 'e', polygons: [[-9, 0, -1, 0, -1, 1]] },
  ];
  const { data, labelNames } = toLabelMap(picture(objects));
  expect([...data]).toEqual([1, 0, 4, 0, 0, 2]);
  expect(labelNames).toEqual({ 1: 'a', 2: 'b', 3: 'c', 4: 'd', 5: 'e' });
});

it('gives numbers of the file first, then the lowest that are free, and keeps known names', () => {
  const categories = [
    { name: 'far', number: 300 },
    { name: 'unseen', number: 1 },
    { name: 'b', number: 2 },
    { name: 'known', number: 9 },
    { name: 'late', number: 4 },
  ];
  const labels = new Map([
    ['known', 4],
    ['other', 1],
  ]);
  const objects = ['late', 'far', 'b', 'known', 'unlisted'].map((name, x) => patch(name, x, 1));
  const { data, labelNames } = toLabelMap(picture(objects, categories), { labels });
  expect([...data]).toEqual([5, 3, 2, 4, 6, 0]);
  expect(labelNames).toEqual({ 2: 'b', 3: 'far', 4: 'known', 5: 'late', 6: 'unlisted' });
  expect(Object.fromEntries(labels)).toEqual({ known: 4, other: 1, b: 2, far: 3, late: 5, unlisted: 6 }); // prettier-ignore
});

it('refuses more names than there are labels', () => {
  const objects = Array.from({ length: 256 }, (_, i) => patch(`n${i}`, 0, 1));
  expect(() => toLabelMap(picture(objects), { file: 'a.json' })).toThrow(InvalidInputError);
  expect(() => toLabelMap(picture(objects), { file: 'a.json' })).toThrow(
    'a.json: "n255" is one name too many',
  );
});

it('refuses pictures of a size that would take all memory', () => {
  const huge = { width: 1e6, height: 1e6, objects: [] };
  expect(() => toLabelMap(huge, { file: 'a.json' })).toThrow(
    'a.json: has 1000000 x 1000000 pixels',
  );
});
