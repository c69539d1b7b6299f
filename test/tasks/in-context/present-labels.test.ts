import { CocoFile } from '../../../src/entries/masks';
import { InContextSegmenter } from '../../../src';
import type { ColorMapping } from '../../../src/colors/color-mapping';
import { mergeFits } from '../../../src/tasks/in-context/passes';
import { keepPresent, paintedStrength } from '../../../src/tasks/in-context/present-labels';
import { openCopying } from '../../helpers/copying-checkpoint';
import { drawn, labels, scene, squares } from '../../helpers/scenes';

const [width, height] = [8, 4];
const mapping: ColorMapping = {
  labels: [3, 7],
  colors: [
    [255, 0, 0],
    [0, 255, 255],
  ],
};
/** Label 3 on the left half, at a share of its colour; label 7 on three pixels of the right, in full. */
function painted(share: number) {
  const data = new Float32Array(width * height * 3);
  for (let i = 0; i < width * height; i++) if (i % width < 4) data[i * 3] = 255 * share;
  for (const i of [5, 6, 7]) data.set([0, 255, 255], i * 3);
  return [{ labels: [3, 7], paintings: [{ width, height, data, mapping }] }];
}
const presence = (share: number, minimumScore: number, minimumArea?: number, scale = 1) => {
  const passes = painted(share);
  const limits = { minimumScore, minimumArea };
  return keepPresent(mergeFits(passes), paintedStrength(passes), limits, scale, 4);
};
const lead = ({ planes }: { planes: readonly Float32Array[] }) =>
  Array.from({ length: width }, (_, i) => {
    const at = planes.map((plane) => plane[i]);
    return at.indexOf(Math.max(...at));
  });

it('tells how strongly each label was painted, whatever its colour', () => {
  const { strengths, fits } = presence(0.75, 0, 0);
  expect(strengths.get(3)).toBeCloseTo(0.75, 5);
  expect(strengths.get(7)).toBeCloseTo(1, 5);
  expect(fits).toEqual(mergeFits(painted(0.75))); // limits of 0 change nothing
});

it('averages over paintings in several colours', () => {
  const passes = [
    { labels: [3, 7], paintings: [painted(0.8), painted(0.6)].flatMap(([p]) => p.paintings) },
  ];
  const { strengths } = keepPresent(
    mergeFits(passes),
    paintedStrength(passes),
    { minimumScore: 0, minimumArea: 0 },
    1,
    4,
  );
  expect(strengths.get(3)).toBeCloseTo(0.7, 5);
});

it('makes background of a label that is painted too faintly, and of no other', () => {
  expect(lead(presence(0.75, 0.7).fits)).toEqual([1, 1, 1, 1, 0, 2, 2, 2]);
  const { fits, strengths } = presence(0.65, 0.7);
  expect(lead(fits)).toEqual([0, 0, 0, 0, 0, 2, 2, 2]);
  expect(strengths.get(3)).toBeCloseTo(0.65, 5);
  for (let i = 0; i < width; i++)
    expect(fits.planes.reduce((sum, plane) => sum + plane[i], 0)).toBeCloseTo(1, 2);
});

it('makes background of a label on too few pixels of the target', () => {
  // Three pixels of the painting are twelve of a target four times as large.
  expect(lead(presence(1, 0, 12, 4).fits)[5]).toBe(2);
  expect(lead(presence(1, 0, 13, 4).fits)[5]).toBe(0);
  // By default a sixteenth of a patch: of one of 4 pixels a side, a single pixel.
  expect(lead(presence(1, 0).fits)[5]).toBe(2);
  const passes = painted(1);
  const large = { minimumScore: 0, minimumArea: undefined };
  expect(lead(keepPresent(mergeFits(passes), paintedStrength(passes), large, 1, 8).fits)[5]).toBe(
    0,
  );
});

describe('a label that not all prompts have marked', () => {
  const prompt = {
    image: scene(squares(['r', 1, 1, 3, 2], ['g', 5, 4, 2, 3])),
    mask: labels(squares(['1', 1, 1, 3, 2], ['2', 5, 4, 2, 3])),
  };
  const half = { ...prompt.mask, data: prompt.mask.data.map((label) => (label === 2 ? 0 : label)) };
  const prompts = [prompt, prompt, { ...prompt, mask: half }];
  const target = scene(squares(['r', 4, 5, 2, 3], ['g', 0, 0, 3, 2]));
  let segmenter: InContextSegmenter;
  beforeAll(async () => {
    segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' });
  });
  afterAll(() => segmenter.dispose());

  it('is painted more faintly, and absent where so little does not do', async () => {
    const found = await segmenter.segment(prompts, target);
    expect(found.masks.map(({ present }) => present)).toEqual([true, true]);
    const [red, green] = found.masks;
    expect(red.strength).toBeGreaterThan(0.99);
    expect(green.strength).toBeGreaterThan(0.6);
    expect(green.strength).toBeLessThan(0.75);

    const strict = await segmenter.segment(prompts, target, { minimumScore: 0.8 });
    expect(drawn(strict.labelMap)).toEqual(squares(['1', 4, 5, 2, 3]));
    expect(strict.masks[1]).toMatchObject({ present: false, area: 0, score: 0 });
    expect(strict.masks[1].strength).toBeCloseTo(green.strength, 6);
    const coco = new CocoFile();
    coco.add('a.jpg', strict);
    const file = JSON.parse(new TextDecoder().decode(coco.encode()));
    expect(file.annotations.map((each: { category_id: number }) => each.category_id)).toEqual([1]);
  });

  it('is absent where it is small', async () => {
    const present = async (minimumArea: number) =>
      (await segmenter.segment([prompt], target, { minimumArea })).masks.map(
        (mask) => mask.present,
      );
    expect(await present(96)).toEqual([true, true]);
    expect(await present(97)).toEqual([false, false]);
  });

  it('is looked for by trackers as strictly', async () => {
    const options = { minimumScore: 0.8 };
    for await (const { result } of segmenter.track(prompts, [target, target], options))
      expect(result!.masks.map(({ present }) => present)).toEqual([true, false]);
  });
});
