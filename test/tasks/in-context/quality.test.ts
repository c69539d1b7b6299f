import {
  AbortedError,
  InContextSegmenter,
  type SegmentationResult,
  type SegmentOptions,
} from '../../../src/index';
import { readMask } from '../../../src/masks/read-mask';
import { regionSimilarity } from '../../../src/evaluation/davis';

jest.setTimeout(300_000);

const prompt = { image: 'examples/cup-1.jpg', mask: 'examples/cup-1.png' };
const target = 'examples/cup-2.jpg';

let segmenter: InContextSegmenter;
beforeAll(async () => {
  segmenter = await InContextSegmenter.load('bundled', { backend: 'wasm' });
});
afterAll(() => segmenter.dispose());

async function truth(path: string): Promise<Uint8Array> {
  return (await readMask(path, { argument: path, limits: { maxPixels: 1e8 } }, new Map())).data;
}

async function similarity(result: SegmentationResult, path: string): Promise<number> {
  const wanted = (await truth(path)).map((label) => (label ? 1 : 0));
  return regionSimilarity(result.masks[0].toBinary(), wanted);
}

it('the bundled painter is joined by the decoder unless it is to be fast', async () => {
  const [plain, best, fast] = await Promise.all(
    ([{}, { quality: 'best' }, { quality: 'fast' }] satisfies SegmentOptions[]).map((options) =>
      segmenter.segment([prompt], target, options),
    ),
  );
  expect(Buffer.compare(plain.labelMap.data, best.labelMap.data)).toBe(0);
  expect(Buffer.compare(plain.labelMap.data, fast.labelMap.data)).not.toBe(0);
  // What was painted is the painter's own in both.
  expect(best.modelPaintings[0].data).toEqual(fast.modelPaintings[0].data);
  expect(await similarity(best, 'examples/cup-2.png')).toBeGreaterThan(0.95);
});

it('prepared prompts serve several targets, and free all they hold', async () => {
  const before = segmenter.memory().tensors;
  const { sam } = await segmenter.helper.context();
  const held = sam.engine.memory().tensors;
  const prepared = await segmenter.prepare([prompt, prompt]);
  const first = await prepared.segment(target);
  const again = await prepared.segment(target);
  expect(Buffer.compare(first.labelMap.data, again.labelMap.data)).toBe(0);
  prepared.dispose();
  prepared.dispose();
  expect(segmenter.memory().tensors).toBe(before);
  expect(sam.engine.memory().tensors).toBe(held);
});

it('an interactive model of one’s own answers clicks, and the bundled encoder still serves the decoder', async () => {
  const own = await InContextSegmenter.load('bundled', {
    ...{ backend: 'wasm', interactiveModel: 'test/fixtures/sam' },
  });
  const best = await own.segment([prompt], target, { quality: 'best' });
  expect(await similarity(best, 'examples/cup-2.png')).toBeGreaterThan(0.95);
  own.dispose();
});

it('a call that is stopped frees what it held', async () => {
  const { sam } = await segmenter.helper.context();
  const held = sam.engine.memory().tensors;
  const control = new AbortController();
  const prepared = await segmenter.prepare([prompt]);
  const kept = sam.engine.memory().tensors;
  const call = prepared.segment(target, {
    signal: control.signal,
    onProgress: ({ stage }) => stage === 'paint' && control.abort(),
  });
  await expect(call).rejects.toThrow(AbortedError);
  expect(sam.engine.memory().tensors).toBe(kept);
  prepared.dispose();
  expect(sam.engine.memory().tensors).toBe(held);
});

it('tracking remembers frames for the decoder, and forgets them with a correction', async () => {
  const { sam } = await segmenter.helper.context();
  const held = sam.engine.memory().tensors;
  const frame = (i: number, kind: string) =>
    `examples/cat-video/${String(i).padStart(3, '0')}.${kind}`;
  const tracker = segmenter.createTracker([{ image: frame(0, 'jpg'), mask: frame(0, 'png') }], {
    quality: 'best',
  });
  const counts: number[] = [];
  for (let i = 1; i < 4; i++) {
    const result = await tracker.next(frame(i, 'jpg'));
    expect(await similarity(result, frame(i, 'png'))).toBeGreaterThan(0.6);
    counts.push(sam.engine.memory().tensors);
  }
  await tracker.correct(frame(3, 'png'));
  const result = await tracker.next(frame(4, 'jpg'));
  expect(await similarity(result, frame(4, 'png'))).toBeGreaterThan(0.6);
  tracker.dispose();
  expect(sam.engine.memory().tensors).toBe(held);
});
