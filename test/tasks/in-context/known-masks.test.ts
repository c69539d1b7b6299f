/** Whole runs against masks that are known, by a model that is known to copy: see the helper. */
import { InContextSegmenter, releaseModels, segmentInContext } from '../../../src';
import { openCopying } from '../../helpers/copying-checkpoint';
import { drawn, labels, overlap, scene, squares } from '../../helpers/scenes';

let segmenter: InContextSegmenter;
beforeAll(
  async () => (segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' })),
);
afterAll(() => segmenter.dispose());

/** Red is label 1, green is label 2. */
const prompt = {
  image: scene(squares(['r', 1, 1, 3, 2], ['g', 5, 4, 2, 3])),
  mask: labels(squares(['1', 1, 1, 3, 2], ['2', 5, 4, 2, 3])),
};
const target = scene(squares(['r', 4, 5, 2, 3], ['g', 0, 0, 3, 2]));
const found = squares(['1', 4, 5, 2, 3], ['2', 0, 0, 3, 2]);

it.each(['cpu', 'wasm'] as const)('finds two things, on %s', async (backend) => {
  const other = await InContextSegmenter.load(await openCopying(), { backend });
  const result = await other.segment([prompt], target, { labelNames: { 2: 'grass' } });
  expect(drawn(result.labelMap)).toEqual(found);
  expect(result.masks.map(({ label, name, area, box }) => ({ label, name, area, box }))).toEqual([
    { label: 1, name: '1', area: 6 * 16, box: [16, 20, 8, 12] },
    { label: 2, name: 'grass', area: 6 * 16, box: [0, 0, 12, 8] },
  ]);
  for (const { score, present } of result.masks) {
    expect(present).toBe(true);
    expect(score).toBeGreaterThan(0.99);
  }
  const [{ mapping, data }] = result.modelPaintings;
  const green = mapping.colors[1];
  green.forEach((level, c) => expect(Math.abs(data[c] - level)).toBeLessThan(0.5));
  expect([...result.painting.data.subarray(0, 3)]).toEqual([...green]);
  other.dispose();
});

it('says of each pixel how sure it is: where the prompts disagree, less', async () => {
  const { mask } = prompt;
  const half = { ...mask, data: mask.data.map((label) => (label === 2 ? 0 : label)) };
  const options = { labelsPerPass: 1 };
  const { scores, masks } = await segmenter.segment(
    [prompt, prompt, { ...prompt, mask: half }],
    target,
    options,
  );
  expect(scores.get(31, 31)).toBeGreaterThan(0.99); // background
  expect(scores.get(20, 16)).toBeGreaterThan(0.99); // red
  expect(scores.get(0, 0)).toBeLessThan(masks[0].score - 0.001); // green
  expect(masks[1].score).toBeCloseTo(scores.get(3, 3), 3);
});

it('says of a label that the target does not show that it is absent', async () => {
  const { masks } = await segmenter.segment([prompt], scene(squares(['g', 2, 2, 4, 4])));
  expect(masks[0]).toMatchObject({ label: 1, present: false, area: 0, score: 0 });
  expect(masks[1]).toMatchObject({ label: 2, present: true, area: 256, box: [8, 8, 16, 16] });
});

it('finds the labels of every prompt, and marks what no prompt marks as background', async () => {
  const blue = {
    image: scene(squares(['b', 2, 2, 3, 3], ['y', 6, 6, 2, 2])),
    mask: labels(squares(['7', 2, 2, 3, 3])),
  };
  const several = scene(squares(['b', 0, 0, 2, 2], ['y', 4, 0, 2, 2], ['b', 5, 5, 2, 3]));
  const { labelMap, masks } = await segmenter.segment([blue], several);
  expect(drawn(labelMap)).toEqual(squares(['7', 0, 0, 2, 2], ['7', 5, 5, 2, 3]));
  expect(masks.map(({ label, box }) => [label, box])).toEqual([[7, [0, 0, 28, 32]]]);
});

describe('several prompts', () => {
  const right = { image: prompt.image, mask: labels(squares(['1', 1, 1, 3, 2])) };
  const wrong = { image: prompt.image, mask: labels(squares(['1', 5, 4, 2, 3])) };
  const red = squares(['1', 4, 5, 2, 3]);
  const green = squares(['1', 0, 0, 3, 2]);

  it.each(['feature', 'none'] as const)('outvote a wrong one: %s', async (ensemble) => {
    for (const prompts of [
      [wrong, right, right],
      [right, wrong, right],
      [right, right, wrong],
    ]) {
      const { labelMap } = await segmenter.segment(prompts, target, { ensemble });
      expect(drawn(labelMap)).toEqual(red);
    }
    const { labelMap } = await segmenter.segment([right, wrong, wrong], target, { ensemble });
    expect(drawn(labelMap)).toEqual(green);
  });

  it('share one canvas in a spatial ensemble, where each adds what it alone knows', async () => {
    const prompts = [
      { image: scene(squares(['r', 0, 0, 4, 4])), mask: labels(squares(['1', 0, 0, 4, 4])) },
      { image: scene(squares(['g', 2, 2, 4, 4])), mask: labels(squares(['2', 2, 2, 4, 4])) },
      { image: scene(squares(['b', 4, 0, 4, 4])), mask: labels(squares(['3', 4, 0, 4, 4])) },
    ];
    const letters = [
      ['r', 0, 6, 2, 2],
      ['g', 3, 3, 2, 2],
      ['b', 6, 0, 2, 3],
    ] as const;
    const known = squares(['1', 0, 6, 2, 2], ['2', 3, 3, 2, 2], ['3', 6, 0, 2, 3]);
    const { labelMap } = await segmenter.segment(prompts, scene(squares(...letters)), {
      ensemble: 'spatial',
    });
    expect(drawn(labelMap)).toEqual(known);
  });
});

it.each([
  ['in several colourings', { colorEnsemble: 3 }],
  ['a label at a time', { labelsPerPass: 1 }],
  ['in white and black', { colors: 'binary' as const }],
  ['in colours of the palette', { colors: 'palette' as const }],
  ['in other random colours', { seed: 5 }],
  ['without smoothing', { upsampling: 'nearest' as const }],
])('finds the same %s', async (_, options) => {
  const { labelMap, masks } = await segmenter.segment([prompt], target, options);
  expect(drawn(labelMap)).toEqual(found);
  for (const { score } of masks) expect(score).toBeGreaterThan(0.99);
});

describe('the task', () => {
  /** Of eight red squares six are marked. */
  const image = scene(squares(['r', 0, 0, 3, 2], ['r', 6, 6, 1, 2]));
  const mask = labels(squares(['1', 0, 0, 3, 2]));

  it('tells the instances of one look apart by where they are', async () => {
    const { labelMap } = await segmenter.segment([{ image, mask }], image);
    expect(drawn(labelMap)).toEqual(squares(['1', 0, 0, 3, 2]));
  });

  it('takes all of one look together as a semantic one', async () => {
    const { labelMap } = await segmenter.segment([{ image, mask }], image, { task: 'semantic' });
    expect(drawn(labelMap)).toEqual(squares(['1', 0, 0, 3, 2], ['1', 6, 6, 1, 2]));
  });
});

describe('sizes', () => {
  /** Stripes half a patch wide at the default resolution. */
  const fine = (letter: string) =>
    Array.from({ length: 16 }, (_, y) => '.'.repeat(4) + (y % 2 ? '.' : letter).repeat(12));

  it('sees finer things at a higher resolution', async () => {
    const stripes = scene(fine('r'));
    const given = [{ image: stripes, mask: labels(fine('1')) }];
    const known = labels(fine('1'));
    const sharp = await segmenter.segment(given, stripes, { resolution: 64 });
    expect(drawn(sharp.labelMap)).toEqual(fine('1'));
    expect(sharp.modelPaintings[0]).toMatchObject({ width: 64, height: 64 });
    const blurred = await segmenter.segment(given, stripes);
    expect(overlap(blurred.labelMap.data, known.data)).toBeLessThan(0.7);
  });

  it('gives masks at the size of the target, whatever the size of the prompt', async () => {
    const large = {
      image: scene(squares(['r', 1, 1, 3, 2]), 12),
      mask: labels(squares(['1', 1, 1, 3, 2]), 12),
    };
    // Two side by side.
    const twice = (rows: string[]) => rows.map((row) => row.repeat(2));
    const wide = scene(twice(squares(['r', 2, 3, 4, 3])), 5);
    const known = labels(twice(squares(['1', 2, 3, 4, 3])), 5);
    for (const upsampling of ['smooth', 'nearest'] as const) {
      const { labelMap, masks } = await segmenter.segment([large], wide, { upsampling });
      expect(labelMap).toMatchObject({ width: 80, height: 40 });
      expect(overlap(labelMap.data, known.data)).toBeGreaterThan(0.9);
      expect(masks[0].area).toBe(labelMap.data.filter(Boolean).length);
    }
  });
});

it('prepared prompts find in each target what is in it', async () => {
  const prepared = await segmenter.prepare([prompt]);
  expect(prepared.labels).toEqual([1, 2]);
  const places = [
    [0, 0],
    [3, 1],
    [5, 5],
  ] as const;
  const results = await Promise.all(
    places.map(([x, y]) => prepared.segment(scene(squares(['g', x, y, 2, 3])))),
  );
  results.forEach(({ labelMap }, i) => {
    const [x, y] = places[i];
    expect(drawn(labelMap)).toEqual(squares(['2', x, y, 2, 3]));
  });
  prepared.dispose();
});

describe('segmentInContext', () => {
  afterAll(releaseModels);

  it('uses the model that was asked for, of those it keeps', async () => {
    const copying = await openCopying();
    // Its other self has the last layer's signs turned: it paints the negative.
    const negative = {
      ...copying,
      read: async (name: string) => {
        const tensor = await copying.read(name);
        if (name !== 'decoder.decoder_pred.head.weight') return tensor;
        const values = new Float32Array(tensor.data.slice().buffer);
        return { ...tensor, data: new Uint8Array(values.map((value) => -value).buffer) };
      },
    };
    const one = { image: prompt.image, mask: labels(squares(['1', 1, 1, 3, 2])) };
    const inside = squares(['1', 4, 5, 2, 3]);
    const outside = inside.map((row) => row.replace(/./g, (at) => (at === '.' ? '1' : '.')));
    const loaded = jest.spyOn(InContextSegmenter, 'load');
    for (const [model, known] of [
      [copying, inside],
      [negative, outside],
      [copying, inside],
      [negative, outside],
    ] as const) {
      const { labelMap } = await segmentInContext([one], target, { model, backend: 'wasm' });
      expect(drawn(labelMap)).toEqual(known);
    }
    expect(loaded).toHaveBeenCalledTimes(2);
    await releaseModels();
    await segmentInContext([one], target, { model: copying, backend: 'wasm' });
    expect(loaded).toHaveBeenCalledTimes(3);
    loaded.mockRestore();
  });
});
