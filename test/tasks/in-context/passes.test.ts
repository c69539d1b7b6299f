import { mapColors } from '../../../src/colors/color-mapping';
import { colorFits, type Painting } from '../../../src/colors/decode';
import { mergeFits, planPasses } from '../../../src/tasks/in-context/passes';

const options = { colors: 'random', seed: 7, labelsPerPass: 2, colorEnsemble: 3 } as const;
const labelsOf = (...args: Parameters<typeof planPasses>) =>
  planPasses(...args).map(({ labels }) => labels);

describe('planPasses', () => {
  it('deals labels out in turn, to as few passes as will do, as evenly as can be', () => {
    expect(labelsOf([1, 2, 3, 4, 5], options)).toEqual([[1, 4], [2, 5], [3]]);
    expect(labelsOf([1, 2, 3, 4], options)).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(labelsOf([1, 2, 3, 4, 5], { ...options, labelsPerPass: 4 })).toEqual([
      [1, 3, 5],
      [2, 4],
    ]);
    expect(labelsOf([1, 2, 3], { ...options, labelsPerPass: 3 })).toEqual([[1, 2, 3]]);
    expect(labelsOf([9], { ...options, labelsPerPass: 64 })).toEqual([[9]]);
  });

  it('gives binary colours to one label at a time', () => {
    const passes = planPasses([4, 6], { ...options, colors: 'binary' });
    expect(passes).toEqual([
      { labels: [4], mappings: [mapColors([4], 'binary', 0)] },
      { labels: [6], mappings: [mapColors([6], 'binary', 0)] },
    ]);
  });

  it('colours a pass as often as asked, with one seed after the other', () => {
    const [first, second] = planPasses([1, 2, 3, 4], options);
    expect(first.mappings).toEqual([7, 8, 9].map((seed) => mapColors([1, 3], 'random', seed)));
    expect(second.mappings).toEqual([7, 8, 9].map((seed) => mapColors([2, 4], 'random', seed)));
  });

  it('takes seeds round the end of 32 bits', () => {
    const [{ mappings }] = planPasses([1, 2], { ...options, seed: 2 ** 32 - 1 });
    expect(mappings).toEqual([2 ** 32 - 1, 0, 1].map((seed) => mapColors([1, 2], 'random', seed)));
  });

  it('colours once what would be the same again: single labels, and palettes', () => {
    const counts = (...args: Parameters<typeof planPasses>) =>
      planPasses(...args).map(({ mappings }) => mappings.length);
    expect(counts([1, 2, 3], options)).toEqual([3, 1]);
    expect(counts([1, 2, 3], { ...options, colors: 'palette' })).toEqual([1, 1]);
    expect(planPasses([1, 2], { ...options, colors: 'palette' })[0].mappings).toEqual([
      mapColors([1, 2], 'palette', 0),
    ]);
  });
});

describe('mergeFits', () => {
  const mapping = (labels: number[], seed: number) => mapColors(labels, 'random', seed);
  /** Paintings of 2 x 3 pixels, each pixel of some grey or colour. */
  const painting = (labels: number[], seed: number, ...rgb: number[]): Painting => ({
    data: Float32Array.from({ length: 18 }, (_, i) => rgb[i % rgb.length]),
    height: 2,
    width: 3,
    mapping: mapping(labels, seed),
  });
  const first = [
    painting([1, 3], 1, 10, 200, 90, 0, 0, 5),
    painting([1, 3], 2, 240, 20, 60, 5, 7, 9),
  ];
  const second = [painting([2], 1, 0, 0, 0, 255, 255, 200)];

  it('gives one painting as it is', () => {
    expect(mergeFits([{ labels: [2], paintings: second }])).toEqual({
      height: 2,
      width: 3,
      labels: [2],
      planes: colorFits(second[0]),
    });
  });

  it('averages the paintings of a pass, plane by plane', () => {
    const { planes, labels } = mergeFits([{ labels: [1, 3], paintings: first }]);
    const [a, b] = first.map(colorFits);
    expect(labels).toEqual([1, 3]);
    expect(planes).toHaveLength(3);
    planes.forEach((plane, k) =>
      plane.forEach((value, i) => expect(value).toBeCloseTo((a[k][i] + b[k][i]) / 2, 6)),
    );
  });

  it('joins passes, a pixel being background as little as any of them says', () => {
    const { planes, labels } = mergeFits([
      { labels: [1, 3], paintings: [first[0]] },
      { labels: [2], paintings: second },
    ]);
    const [a, b] = [first[0], second[0]].map((each) => colorFits(each));
    expect(labels).toEqual([1, 3, 2]);
    expect(planes.slice(1)).toEqual([a[1], a[2], b[1]]);
    expect([...planes[0]]).toEqual(Array.from(a[0], (value, i) => Math.min(value, b[0][i])));
    // Either decides somewhere.
    expect(planes[0]).not.toEqual(a[0]);
    expect(planes[0]).not.toEqual(b[0]);
  });
});
