/** Evaluations of a model that is known to copy, on pictures whose scores can be counted. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InContextSegmenter } from '../../src';
import type * as Baselines from '../../src/evaluation/baselines';
import { boundaryAccuracy } from '../../src/evaluation/davis';
import { evaluateImages, type ImageScore } from '../../src/evaluation/images';
import { averageStatistics, evaluateSequence, findSequences } from '../../src/evaluation/video';
import { openCopying } from '../helpers/copying-checkpoint';
import { encode } from '../helpers/picture';
import { labels, scene, squares } from '../helpers/scenes';

type Rectangle = readonly [string, number, number, number, number];

// The nearest in colour takes a second for each picture, and has tests of its own: here it is all but the copied mask.
jest.mock('../../src/evaluation/baselines', () => {
  const actual = jest.requireActual<typeof Baselines>('../../src/evaluation/baselines');
  const nearestColor: typeof actual.nearestColor = ({ mask }, target) =>
    actual.copiedMask(mask, target).map((inside) => 1 - inside);
  return { ...actual, nearestColor };
});

let segmenter: InContextSegmenter;
let folder: string;
beforeAll(
  async () => (segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' })),
);
afterAll(() => segmenter.dispose());
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'seggpt-known-'))));
afterEach(() => rm(folder, { recursive: true }));

const savePicture = async (path: string, rows: string[]) => {
  const { data, width, height } = scene(rows);
  const settings = { quality: 100, chromaSubsampling: '4:4:4' };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await encode('jpeg', data, width, height, 3, settings));
};
const saveLabels = async (path: string, rows: string[], ignored?: string[]) => {
  const { data, width, height } = labels(rows);
  if (ignored) labels(ignored).data.forEach((each, i) => each && (data[i] = 255));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await encode('png', data, width, height, 1));
};

describe('pictures', () => {
  const places = [
    [0, 0],
    [2, 0],
    [4, 0],
  ] as const;
  /** Red rectangles 4 wide and 4 high, labelled 1, one picture for each place. */
  const save = async (dataset: string, count: number) => {
    for (const [i, [x, y]] of places.slice(0, count).entries()) {
      const path = join(folder, dataset, String(i));
      await savePicture(`${path}.jpg`, squares(['r', x, y, 4, 4]));
      await saveLabels(`${path}.png`, squares(['1', x, y, 4, 4]));
    }
  };
  const options = { shots: 1, episodes: 4, seed: 3 };
  const of = (scores: ImageScore[], dataset: string, protocol = 'different') =>
    scores.find((each) => each.dataset === dataset && each.protocol === protocol);

  it('are scored beside copied masks and nearest colours', async () => {
    await save('squares', 2);
    const told: string[] = [];
    const scores = await evaluateImages(segmenter, folder, {
      ...options,
      onEpisode: (text) => told.push(text),
    });
    const score = of(scores, 'squares')!;
    expect(score.episodes).toBe(4);
    expect(score.model).toBe(1);
    // The prompt's rectangle and the target's share half: 8 patches of 24.
    expect(score.copy).toBeCloseTo(1 / 3, 10);
    expect(score.nearest).toBeCloseTo(8 / 56, 10);
    expect(of(scores, 'squares', 'same')).toMatchObject({ episodes: 4 });
    expect(of(scores, 'squares', 'same')!.model).toBeGreaterThan(0.7);
    for (const protocol of ['same', 'different']) {
      const { model, copy, nearest, episodes } = of(scores, 'squares', protocol)!;
      expect(of(scores, 'mean', protocol)).toEqual({
        ...{ protocol, dataset: 'mean', model, copy, nearest, episodes },
      });
    }
    expect(told).toEqual(['squares done']);
  });

  it('are drawn by the seed', async () => {
    await save('squares', 3);
    const run = (seed: number) => evaluateImages(segmenter, folder, { ...options, seed });
    expect(await run(3)).toEqual(await run(3));
    const copies = await Promise.all([3, 4, 5, 6].map(async (seed) => (await run(seed))[1].copy));
    expect(new Set(copies).size).toBeGreaterThan(1);
  });

  it('leave out what is marked to be ignored', async () => {
    await save('squares', 2);
    // Found as in the others, but half of it is not marked, and the most of that is to be ignored.
    for (const [i, [x, y]] of places.slice(0, 2).entries()) {
      const path = join(folder, 'squares', `${i}.png`);
      await saveLabels(path, squares(['1', x, y, 4, 4]), squares(['1', x, y + 2, 4, 2]));
    }
    const { model } = of(await evaluateImages(segmenter, folder, options), 'squares')!;
    expect(model).toBe(1);
  });

  it('are compared as views alone where labels mean something else in each', async () => {
    await save('a', 2);
    await save('b', 2);
    await save('c', 2);
    const datasets = { b: { correspondence: 'local' }, c: { correspondence: 'class' } };
    await writeFile(join(folder, 'index.json'), JSON.stringify({ datasets }));
    const scores = await evaluateImages(segmenter, folder, options);
    expect(scores.map(({ dataset, protocol }) => `${dataset} ${protocol}`)).toEqual([
      ...['a same', 'a different', 'b same', 'c same', 'c different'],
      ...['mean same', 'mean different'],
    ]);
    const same = scores.filter(({ protocol }) => protocol === 'same');
    const mean = same.slice(0, 3).reduce((sum, { copy }) => sum + copy / 3, 0);
    expect(same[3].copy).toBeCloseTo(mean, 10);
    expect(same[3].episodes).toBe(12);
  });

  it('with several shots are scored by the first prompt alone, too', async () => {
    await save('squares', 3);
    await save('too few', 2);
    // In one of three the mask lies beside the red, and nothing that is red is marked.
    await saveLabels(join(folder, 'squares', '1.png'), squares(['1', 2, 4, 4, 4]));
    const scores = await evaluateImages(segmenter, folder, { ...options, shots: 2, episodes: 8 });
    expect(scores.some(({ dataset }) => dataset === 'too few')).toBe(false);
    const { model, firstPrompt } = of(scores, 'squares')!;
    expect(firstPrompt).not.toBeCloseTo(model, 3);
    expect(of(scores, 'squares', 'same')!.firstPrompt).toBeUndefined();
  });

  it('are scored with another model and with GrabCut, where they are given', async () => {
    await save('squares', 2);
    const copying = await openCopying();
    const negative = {
      ...copying,
      read: async (name: string) => {
        const tensor = await copying.read(name);
        if (name !== 'decoder.decoder_pred.head.weight') return tensor;
        const values = new Float32Array(tensor.data.slice().buffer);
        return { ...tensor, data: new Uint8Array(values.map((value) => -value).buffer) };
      },
    };
    const against = await InContextSegmenter.load(negative, { backend: 'wasm' });
    const given: number[] = [];
    const grabCut = (guess: Uint8Array) => {
      given.push(guess.filter(Boolean).length);
      return guess.map((each) => 1 - each);
    };
    const score = of(
      await evaluateImages(segmenter, folder, { ...options, against, grabCut }),
      'squares',
    )!;
    expect(score.model).toBe(1);
    expect(score.against).toBe(0);
    // Black against white everywhere.
    expect(score.difference).toBeGreaterThan(254);
    expect(score.difference).toBeLessThanOrEqual(255);
    // Of the target's 16 patches 8 lie outside the prompt's 16, and 48 are outside: 8 of 56.
    expect(score.grabCut).toBeCloseTo(8 / 56, 10);
    expect(given.slice(-4)).toEqual([256, 256, 256, 256]);
    against.dispose();
  });

  it('are refused where there is nothing to ask for', async () => {
    const refused = { name: 'InvalidInputError', argument: 'directory' };
    await expect(evaluateImages(segmenter, folder, options)).rejects.toMatchObject(refused);
    const nowhere = join(folder, 'nowhere');
    await expect(evaluateImages(segmenter, nowhere, options)).rejects.toMatchObject(refused);
    await save('one', 1);
    await expect(evaluateImages(segmenter, folder, options)).rejects.toMatchObject(refused);
    await save('two', 2);
    const signal = AbortSignal.abort();
    const stopped = evaluateImages(segmenter, folder, { ...options, signal });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('sequences', () => {
  const moments = [0, 1, 2, 3, 4];
  const red = (i: number, label = 'r'): Rectangle => [label, i, 0, 2, 2];
  const green = (i: number, label = 'g'): Rectangle => [label, 5 - i, 5, 2, 1];
  const save = async (images: string, masks: string) => {
    for (const i of moments) {
      await savePicture(join(images, `${i}.jpg`), squares(red(i), green(i)));
      const truth: Rectangle[] = [red(i, '1'), green(i, '2')];
      // As many again are true in one frame; all is nonsense in the last, which does not count.
      if (i === 2) truth.push(['1', 4, 0, 2, 2]);
      if (i === 4) truth.push(['1', 0, 0, 8, 8]);
      const ignored =
        i === 0 ? squares(['1', 0, 7, 8, 1]) : i === 3 ? squares(['1', 3, 5, 1, 1]) : undefined;
      await saveLabels(join(masks, `${i}.png`), squares(...truth), ignored);
    }
  };

  it('are found, and scored object by object without their first and last frames', async () => {
    await save(join(folder, 'moving'), join(folder, 'moving'));
    const [sequence, ...others] = await findSequences(folder);
    expect(others).toEqual([]);
    const score = await evaluateSequence(segmenter, sequence, {});
    expect(score).toMatchObject({ name: 'moving', frames: 5, objects: 2 });
    // Object 1: 1, 1 / 2, 1. Object 2: 1, 1, 1: what is ignored in frame 3 is no part of it.
    expect(score.J.mean).toBeCloseTo((2.5 / 3 + 1) / 2, 10);
    expect(score.J.recall).toBeCloseTo((2 / 3 + 1) / 2, 10);
    const f = boundaryAccuracy(
      labels(squares(red(2, '1'))).data,
      labels(squares(red(2, '1'), ['1', 4, 0, 2, 2])).data,
      32,
      32,
    );
    expect(f).toBeLessThan(1);
    expect(score.F.mean).toBeCloseTo(((2 + f) / 3 + 1) / 2, 10);
    expect(score.JF).toBeCloseTo((score.J.mean + score.F.mean) / 2, 12);
    expect(score.framesPerSecond).toBeGreaterThan(0);
  });

  it('are found in the layout of DAVIS, in the order of their names', async () => {
    const images = join(folder, 'JPEGImages', '480p');
    const masks = join(folder, 'Annotations', '480p');
    for (const name of ['b', 'a']) await save(join(images, name), join(masks, name));
    await rm(join(masks, 'b', '1.png'));
    await save(join(images, 'short'), join(masks, 'short'));
    for (const i of [0, 1, 2]) await rm(join(masks, 'short', `${i}.png`));
    await writeFile(join(images, 'note.txt'), 'no folder');
    expect(await findSequences(folder)).toEqual([
      {
        name: 'a',
        frames: moments.map((i) => ({
          image: join(images, 'a', `${i}.jpg`),
          mask: join(masks, 'a', `${i}.png`),
        })),
      },
      {
        name: 'b',
        frames: [0, 2, 3, 4].map((i) => ({
          image: join(images, 'b', `${i}.jpg`),
          mask: join(masks, 'b', `${i}.png`),
        })),
      },
    ]);
  });

  it('of three frames will do', async () => {
    await save(join(folder, 'three'), join(folder, 'three'));
    for (const i of [3, 4]) await rm(join(folder, 'three', `${i}.png`));
    expect((await findSequences(folder))[0].frames).toHaveLength(3);
    await rm(join(folder, 'three', '2.png'));
    await expect(findSequences(folder)).rejects.toMatchObject({ argument: 'directory' });
    await expect(findSequences(join(folder, 'nowhere'))).rejects.toMatchObject({
      argument: 'directory',
    });
  });

  it('are averaged statistic by statistic', () => {
    const all = [
      { mean: 0.5, recall: 1, decay: 0.25 },
      { mean: 1, recall: 0, decay: -0.75 },
    ];
    expect(averageStatistics(all)).toEqual({ mean: 0.75, recall: 0.5, decay: -0.25 });
  });
});
