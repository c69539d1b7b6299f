import { InContextSegmenter } from '../../../src';
import { narrower } from '../../../src/tasks/in-context/prepared-prompts';
import { openCopying } from '../../helpers/copying-checkpoint';
import { labels, scene, squares } from '../../helpers/scenes';

it('allows what both allow', () => {
  expect(narrower(['files', 'urls'], ['urls', 'memory'])).toEqual(['urls']);
  expect(narrower(['files'], ['urls'])).toEqual([]);
  expect(narrower([], ['urls'])).toEqual([]);
  expect(narrower(undefined, ['urls'])).toEqual(['urls']);
  expect(narrower(['files'], undefined)).toEqual(['files']);
  expect(narrower(undefined, undefined)).toBeUndefined();
});

describe('prepared prompts', () => {
  const prompt = {
    image: scene(squares(['r', 1, 1, 3, 2], ['g', 5, 4, 2, 3])),
    mask: labels(squares(['1', 1, 1, 3, 2], ['2', 5, 4, 2, 3])),
  };
  let segmenter: InContextSegmenter;
  beforeAll(async () => {
    segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' });
  });
  afterAll(() => segmenter.dispose());

  it('are painted together in a feature ensemble, and one by one without', async () => {
    const counts: [number, boolean | undefined][] = [];
    const paint = jest.spyOn(segmenter.painter, 'prepare');
    const painted = async (ensemble: 'feature' | 'spatial' | 'none') => {
      const { modelPaintings } = await segmenter.segment([prompt, prompt, prompt], prompt.image, {
        ensemble,
      });
      const [halves, options] = paint.mock.calls.at(-1)!;
      counts.push([halves.count, options?.joinPrompts]);
      return modelPaintings.length;
    };
    expect(await painted('feature')).toBe(1);
    expect(await painted('none')).toBe(3);
    expect(await painted('spatial')).toBe(1);
    expect(counts.map(([count]) => count)).toEqual([3, 3, 1]);
    paint.mockRestore();
  });

  it('report the blocks of both streams, then those of the target, for every pass', async () => {
    const steps: string[] = [];
    await segmenter.segment([prompt], prompt.image, {
      labelsPerPass: 1,
      onProgress: ({ stage, loaded, total }) => steps.push(`${stage} ${loaded}/${total}`),
    });
    expect(steps).toEqual([
      ...['prepare 1/2', 'prepare 2/2'],
      ...['paint 1/4', 'paint 2/4', 'paint 3/4', 'paint 4/4'],
    ]);
  });

  it('free what they hold, by either way of disposing, and what was made before a failure', async () => {
    const before = segmenter.memory().tensors;
    const prepared = await segmenter.prepare([prompt], { labelsPerPass: 1 });
    expect(segmenter.memory().tensors).toBeGreaterThan(before);
    prepared.dispose();
    expect(segmenter.memory().tensors).toBe(before);
    (await segmenter.prepare([prompt]))[Symbol.dispose]();
    expect(segmenter.memory().tensors).toBe(before);
    const abort = new AbortController();
    const onProgress = ({ loaded }: { loaded: number }) => loaded === 1 && abort.abort();
    await expect(
      segmenter.prepare([prompt], { labelsPerPass: 1, signal: abort.signal, onProgress }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(segmenter.memory().tensors).toBe(before);
  });

  it('stop while they paint', async () => {
    const prepared = await segmenter.prepare([prompt], { labelsPerPass: 1 });
    const abort = new AbortController();
    let seen = 0;
    const stopped = prepared.segment(prompt.image, {
      signal: abort.signal,
      onProgress: () => ++seen === 1 && abort.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toBe(1);
    prepared.dispose();
  });

  it('keep the limits that they were given', async () => {
    const limited = await segmenter.prepare([prompt], { maxPixels: 1024, sources: ['memory'] });
    await expect(limited.segment(scene(squares(), 5))).rejects.toThrow('more than the limit');
    await expect(limited.segment(scene(squares(), 5), { maxPixels: 1600 })).resolves.toBeDefined();
    await expect(limited.segment('a.png')).rejects.toThrow('sources');
    await expect(limited.segment('a.png', { sources: ['files'] })).rejects.toThrow('sources');
    limited.dispose();
  });
});
