import * as tf from '@tensorflow/tfjs';
import ndarray from 'ndarray';
import type { SegGptError } from '../../../src';
import {
  AbortedError,
  BackendError,
  DisposedError,
  ImageError,
  InContextSegmenter,
  InvalidInputError,
  type Prompt,
  releaseModels,
  type SegmentOptions,
  segmentInContext,
} from '../../../src';
import { TfjsEngine } from '../../../src/engines/tfjs/tfjs-engine';
import { box, encode, gradient } from '../../helpers/picture';
import { openMini } from '../../helpers/tiny-checkpoint';

const [width, height] = [48, 36];
const image = { data: gradient(width, height), width, height };
const mask = (label = 1) => ({ data: box(width, height, label), width, height });
const prompt: Prompt = { image, mask: mask() };
/** Two labels, side by side. */
const two: Prompt = {
  image,
  mask: { data: box(width, height).map((inside, i) => inside * (1 + (i % 2))), width, height },
};

let segmenter: InContextSegmenter;
beforeAll(
  async () => (segmenter = await InContextSegmenter.load(await openMini(), { backend: 'cpu' })),
);
afterAll(() => segmenter.dispose());

async function withoutLeak<Value>(work: () => Promise<Value>): Promise<Value | Error> {
  const before = tf.memory().numTensors;
  const outcome = await work().catch((error: unknown) => error as Error);
  expect(tf.memory().numTensors).toBe(before);
  return outcome;
}

it('gives masks, labels, scores, painting and overlay at the size of the target', async () => {
  const target = { data: gradient(70, 20), width: 70, height: 20 };
  const result = await segmenter.segment([{ image, mask: mask(9) }, prompt], target, {
    labelNames: { 9: 'cat' },
  });
  expect(result.labelArray.shape).toEqual([20, 70]);
  expect(result.scores.shape).toEqual([20, 70]);
  expect(result.masks.map(({ label, name }) => [label, name])).toEqual([
    [1, '1'],
    [9, 'cat'],
  ]);
  for (const {
    score,
    area,
    present,
    box: [, , w, h],
  } of result.masks) {
    expect(score).toBeGreaterThanOrEqual(0);
    expect(score).toBeLessThanOrEqual(1);
    expect(present).toBe(area > 0);
    expect(area).toBeLessThanOrEqual(w * h);
  }
  const areas = result.masks.map((each) => each.toBinary().reduce((a, b) => a + b, 0));
  expect(areas).toEqual(result.masks.map(({ area }) => area));
  expect(result.painting).toMatchObject({ width: 70, height: 20 });
  expect((await result.overlay().toPng()).subarray(1, 4)).toEqual(
    Uint8Array.from(Buffer.from('PNG')),
  );
  const tensor = result.masks[0].toTensor(tf);
  expect(tensor.shape).toEqual([20, 70]);
  tensor.dispose();
});

it('reports a label that the target does not show as absent', async () => {
  // A painting far from every colour but black finds nothing.
  const source = await openMini();
  const dark = {
    ...source,
    read: async (name: string) => {
      const tensor = await source.read(name);
      if (name === 'decoder.decoder_pred.head.bias')
        return { ...tensor, data: new Uint8Array(Float32Array.of(-9, -9, -9).buffer) };
      return name === 'decoder.decoder_pred.head.weight'
        ? { ...tensor, data: new Uint8Array(tensor.data.length) }
        : tensor;
    },
  };
  const blind = await InContextSegmenter.load(dark, { backend: 'cpu' });
  const { masks } = await blind.segment([prompt], image);
  expect(masks[0]).toMatchObject({ present: false, area: 0, score: 0, box: [0, 0, 0, 0] });
  blind.dispose();
});

it('is a function of its input: seeds change colours, not determinism', async () => {
  const painting = async (seed: number) =>
    (await segmenter.segment([two], image, { seed })).modelPaintings[0].data;
  expect(await painting(1)).toEqual(await painting(1));
  // There are few ways to colour two labels well, so some seeds agree.
  const others = await Promise.all([2, 3, 4, 5, 6].map(painting));
  const first = await painting(1);
  expect(others.some((other) => other.some((value, i) => value !== first[i]))).toBe(true);
});

it('prepared prompts give what one call gives, for any number of targets, and overlapping calls do not mix', async () => {
  const prepared = await segmenter.prepare([prompt, prompt]);
  const targets = [
    image,
    { data: gradient(20, 30), width: 20, height: 30 },
    { data: box(50, 50, 200), width: 50, height: 50 },
  ];
  const direct: Float32Array[] = [];
  for (const target of targets)
    direct.push((await segmenter.segment([prompt, prompt], target)).scores.data);
  const together = await Promise.all(targets.map((target) => prepared.segment(target)));
  together.forEach((result, i) => expect(result.scores.data).toEqual(direct[i]));
  prepared.dispose();
  prepared.dispose();
  await expect(prepared.segment(image)).rejects.toThrow(DisposedError);
});

it.each([
  ['feature', {}, 1],
  ['spatial', { ensemble: 'spatial' as const }, 1],
  ['none: one painting for each prompt', { ensemble: 'none' as const }, 3],
  ['colours', { colorEnsemble: 4 }, 4],
  ['palette, semantic', { colors: 'palette' as const, task: 'semantic' as const }, 1],
  ['binary', { colors: 'binary' as const, upsampling: 'nearest' as const }, 1],
])('ensemble of %s', async (_, options: SegmentOptions, paintings) => {
  const result = await withoutLeak(() =>
    segmenter.segment(
      options.colors === 'binary' ? [prompt, prompt, prompt] : [two, two, two],
      image,
      options,
    ),
  );
  expect(result).toMatchObject({ width, height });
  expect((result as Awaited<ReturnType<typeof segmenter.segment>>).modelPaintings).toHaveLength(
    paintings,
  );
});

it('paints many labels in several passes, each label once', async () => {
  const data = Uint8Array.from({ length: width * height }, (_, i) => i % 61);
  const result = await segmenter.segment([{ image, mask: { data, width, height } }], image, {
    labelsPerPass: 25,
  });
  expect(result.modelPaintings.map(({ mapping }) => mapping.labels.length)).toEqual([20, 20, 20]);
  expect(result.masks.map(({ label }) => label)).toEqual(
    Array.from({ length: 60 }, (_, i) => i + 1),
  );
  const binary = await segmenter.segment(
    [{ image, mask: { data: data.map((label) => label % 3), width, height } }],
    image,
    { colors: 'binary' },
  );
  expect(binary.modelPaintings).toHaveLength(2);
});

it('paints 255 labels at once when asked to', async () => {
  const data = Uint8Array.from({ length: width * height }, (_, i) => i % 256);
  const result = await segmenter.segment([{ image, mask: { data, width, height } }], image, {
    labelsPerPass: 255,
  });
  expect(result.masks).toHaveLength(255);
  expect(result.modelPaintings).toHaveLength(1);
});

it('reports progress to the end', async () => {
  const steps: string[] = [];
  await segmenter.segment([prompt], image, {
    onProgress: ({ stage, loaded, total }) => steps.push(`${stage} ${loaded}/${total}`),
  });
  expect(steps).toEqual([
    'prepare 1/2',
    'prepare 2/2',
    'paint 1/4',
    'paint 2/4',
    'paint 3/4',
    'paint 4/4',
  ]);
});

describe('refuses bad input before any work, without a leak', () => {
  const cases: [string, () => Promise<unknown>, new (...args: never[]) => SegGptError, RegExp][] = [
    ['no prompts', () => segmenter.segment([], image), InvalidInputError, /^prompts: is empty/],
    [
      'prompts that are no list',
      () => segmenter.segment(prompt as never, image),
      InvalidInputError,
      /must be an array/,
    ],
    [
      'a prompt without a mask',
      () => segmenter.segment([{ image } as never], image),
      InvalidInputError,
      /^prompts\[0\]: must have/,
    ],
    [
      'a mask and clicks in one prompt',
      () => segmenter.segment([{ ...prompt, points: [[1, 1]] }], image),
      InvalidInputError,
      /^prompts\[0\]: has a mask and `points`/,
    ],
    [
      'a mask of another size, naming both',
      () =>
        segmenter.segment(
          [prompt, { image, mask: { data: box(10, 9), width: 10, height: 9 } }],
          image,
        ),
      InvalidInputError,
      /^prompts\[1\]\.mask: is 10 x 9 pixels, but its image is 48 x 36; pass the option resizeMasks/,
    ],
    [
      'an empty mask',
      () => segmenter.segment([{ image, mask: mask(0) }], image),
      InvalidInputError,
      /^prompts\[0\]\.mask: is empty/,
    ],
    [
      'an unreadable target',
      () => segmenter.segment([prompt], Buffer.from('no')),
      ImageError,
      /^target cannot be decoded/,
    ],
    [
      'an unknown option value',
      () => segmenter.segment([prompt], image, { ensemble: 'best' as never }),
      InvalidInputError,
      /^ensemble: must be one of feature, spatial, none/,
    ],
    [
      'a seed that is no whole number',
      () => segmenter.segment([prompt], image, { seed: 0.5 }),
      InvalidInputError,
      /^seed: must be a whole number/,
    ],
    [
      'too many labels in a pass',
      () => segmenter.segment([prompt], image, { labelsPerPass: 256 }),
      InvalidInputError,
      /from 1 to 255/,
    ],
    [
      'an aborted signal',
      () => segmenter.segment([prompt], image, { signal: AbortSignal.abort() }),
      AbortedError,
      /aborted/,
    ],
  ];
  it.each(cases)('%s', async (_, work, type, message) => {
    const failure = await withoutLeak(work);
    expect(failure).toBeInstanceOf(type);
    expect((failure as Error).message).toMatch(message);
  });

  it('resizes a mask when told to', async () => {
    const small = { data: box(24, 18), width: 24, height: 18 };
    await expect(
      segmenter.segment([{ image, mask: small }], image, { resizeMasks: true }),
    ).resolves.toBeDefined();
  });
});

it('aborts between blocks and frees everything', async () => {
  for (let step = 1; step <= 6; step++) {
    const abort = new AbortController();
    let seen = 0;
    const failure = await withoutLeak(() =>
      segmenter.segment([prompt, prompt], image, {
        signal: abort.signal,
        onProgress: () => ++seen === step && abort.abort(new Error('enough')),
      }),
    );
    expect(failure).toBeInstanceOf(AbortedError);
    expect(failure).toMatchObject({
      name: 'AbortError',
      code: 'ABORTED',
      cause: new Error('enough'),
    });
  }
});

it('frees everything on dispose, and refuses further use', async () => {
  const before = tf.memory().numTensors;
  const other = await InContextSegmenter.load(await openMini(), { backend: 'cpu' });
  const prepared = await other.prepare([prompt]);
  prepared.dispose();
  expect(tf.memory().numTensors).toBeGreaterThan(before);
  other.dispose();
  other.dispose();
  expect(tf.memory().numTensors).toBe(before);
  await expect(other.segment([prompt], image)).rejects.toThrow(DisposedError);
  await expect(other.prepare([prompt])).rejects.toThrow(DisposedError);
});

it('frees prompts that were still prepared when it was disposed', async () => {
  const before = tf.memory().numTensors;
  const other = await InContextSegmenter.load(await openMini(), { backend: 'cpu' });
  const prepared = await other.prepare([prompt, two]);
  other.dispose();
  expect(tf.memory().numTensors).toBe(before);
  await expect(prepared.segment(image)).rejects.toThrow(DisposedError);
  prepared.dispose();
});

it('says so when its TF.js backend was removed', async () => {
  tf.registerBackend('short-lived', tf.findBackendFactory('cpu'));
  tf.copyRegisteredKernels('cpu', 'short-lived');
  await tf.setBackend('short-lived');
  const engine = new TfjsEngine(tf, 'short-lived');
  await tf.setBackend('cpu');
  tf.removeBackend('short-lived');
  expect(() => engine.upload(new Float32Array(1), [1])).toThrow(BackendError);
  engine.release();
});

it('refuses bad engine options before it opens the model', async () => {
  for (const [options, argument] of [
    [{ backend: 'gpu' as never }, 'backend'],
    [{ precision: 'fp16' as never }, 'precision'],
    [{ threads: Number.NaN }, 'threads'],
    [{ threads: 0 }, 'threads'],
  ] as const) {
    const failure = { name: 'InvalidInputError', argument };
    await expect(InContextSegmenter.load('./no-such-model', options)).rejects.toMatchObject(
      failure,
    );
    await expect(segmentInContext([], image, options)).rejects.toMatchObject(failure);
  }
  await expect(segmentInContext([prompt], image, { maxPixels: Number.NaN })).rejects.toMatchObject({
    argument: 'maxPixels',
  });
});

it('leaves the caller on the TF.js backend that was current', async () => {
  await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  const other = await InContextSegmenter.load(await openMini(), { backend: 'cpu' });
  await other.segment([prompt], image);
  expect(tf.getBackend()).toBe('wasm');
  other.dispose();
});

describe('segmentInContext', () => {
  afterAll(releaseModels);

  it('checks pictures before it loads a model', async () => {
    const options = { model: './no-such-model' };
    await expect(segmentInContext([], image, options)).rejects.toThrow(/^prompts/);
    await expect(segmentInContext([prompt], 'no-such.jpg', options)).rejects.toThrow(
      /no image file "no-such.jpg"/,
    );
    await expect(segmentInContext([prompt], image, options)).rejects.toThrow(/no model at/);
  });

  it('names a backend it cannot have, and unknown ones', async () => {
    await expect(segmentInContext([prompt], image, { backend: 'webgl' })).rejects.toThrow(
      /backend "webgl" is not available here.*"auto"/,
    );
    await expect(segmentInContext([prompt], image, { backend: 'cuda' as never })).rejects.toThrow(
      /^backend: must be one of auto, webgpu.*is "cuda"/,
    );
  });

  it('keeps a model that was given as an object by its options, too', async () => {
    const model = await openMini();
    const { engine } = await segmentInContext([prompt], image, { model, backend: 'wasm' });
    expect(engine).toBe('wasm');
    const other = await segmentInContext([prompt], image, { model, backend: 'cpu' });
    expect(other.engine).toBe('tfjs-cpu');
  });

  it('tells models apart by everything that loads them, keeps few, and lets go of the oldest', async () => {
    const loaded = jest.spyOn(InContextSegmenter, 'load');
    const model = await openMini();
    const use = async (options: Parameters<typeof segmentInContext>[2]) =>
      void (await segmentInContext([prompt], image, { model, backend: 'wasm', ...options }));
    await use({ token: 'a' });
    await use({ token: 'a' });
    expect(loaded).toHaveBeenCalledTimes(1);
    await use({ token: 'b' });
    await use({ sha256: { 'model.safetensors': '00' } });
    await use({ offline: true });
    expect(loaded).toHaveBeenCalledTimes(4);
    await use({ token: 'a' }); // used again: now the newest
    await use({ cache: '/somewhere' }); // one more than are kept
    expect(loaded).toHaveBeenCalledTimes(5);
    await use({ token: 'a' });
    expect(loaded).toHaveBeenCalledTimes(5);
    await use({ token: 'b' });
    expect(loaded).toHaveBeenCalledTimes(6);
    const oldest = await (loaded.mock.results[1].value as Promise<InContextSegmenter>);
    await expect(oldest.prepare([prompt])).rejects.toThrow(DisposedError);
    loaded.mockRestore();
  });

  it('runs the bundled model on files, and loads it once', async () => {
    const steps: string[] = [];
    const onProgress = ({ stage }: { stage: string }) => steps.push(stage);
    const prompts = [{ image: 'examples/cat-video/000.jpg', mask: 'examples/cat-video/000.png' }];
    const first = await segmentInContext(prompts, 'examples/cat-video/003.jpg', {
      backend: 'wasm',
      onProgress,
    });
    expect(steps).toContain('load');
    steps.length = 0;
    const png = await encode('png', gradient(64, 64), 64, 64);
    await segmentInContext(prompts, png, { backend: 'wasm', onProgress });
    expect(steps).not.toContain('load');
    expect(first.engine).toBe('wasm');
    expect(first.labelArray.shape).toEqual([300, 451]);
    expect(first.masks[0].present).toBe(true);
  });
});

it('takes tensors and ndarrays as pictures', async () => {
  const pixels = tf.tensor3d(Array.from(image.data), [height, width, 3], 'int32');
  const labels = ndarray(box(width, height, 3), [height, width]);
  const result = await segmenter.segment([{ image: pixels, mask: labels }], pixels);
  expect(result.masks[0].label).toBe(3);
  pixels.dispose();
});

describe('limits', () => {
  it('given to prepare hold for segment, unless given again', async () => {
    const prepared = await segmenter.prepare([prompt], { maxPixels: width * height });
    const larger = { data: gradient(60, 60), width: 60, height: 60 };
    await expect(prepared.segment(larger)).rejects.toThrow(/more than the limit of 1728/);
    await expect(prepared.segment(larger, { maxPixels: 3600 })).resolves.toBeDefined();
    prepared.dispose();
  });

  it('pictures come only from where they may, in every call of a segmenter that was told so', async () => {
    const path = 'examples/cup-1.jpg';
    const refused = (detail: RegExp) => ({
      name: 'InvalidInputError',
      detail: expect.stringMatching(detail),
    });
    const closed = await InContextSegmenter.load(await openMini(), {
      backend: 'cpu',
      sources: ['memory'],
    });
    await expect(closed.segment([prompt], path)).rejects.toMatchObject(
      refused(/^is a path, and .* memory alone/),
    );
    await expect(closed.segment([prompt], 'https://localhost/x.png')).rejects.toMatchObject(
      refused(/^is a URL/),
    );
    await expect(closed.segment([{ image: path, mask: path }], image)).rejects.toMatchObject(
      refused(/^is a path/),
    );
    // A call may narrow, never widen.
    await expect(closed.segment([prompt], path, { sources: ['files'] })).rejects.toMatchObject(
      refused(/^is a path, and .* memory alone/),
    );
    expect(() => closed.track([prompt], 'examples/cat-video')).toThrow(/^frames: is one of files/);
    const prepared = await closed.prepare([prompt]);
    await expect(prepared.segment(new URL('file:///etc/hostname'))).rejects.toMatchObject(
      refused(/^is a path/),
    );
    await expect(prepared.segment(image)).resolves.toBeDefined();
    prepared.dispose();
    closed.dispose();
    // What is in memory leads nowhere, and is always read: frames of a video that may be opened, for one.
    const files = { sources: ['files'] as const };
    await expect(segmenter.segment([prompt], image, files)).resolves.toBeDefined();
    const firstMask = 'https://localhost/x.png';
    const frames = segmenter.track({ firstMask }, 'examples/cat-video', files);
    await expect(frames.next()).rejects.toMatchObject({
      argument: 'prompts[0].mask',
      detail: expect.stringMatching(/^is a URL/),
    });
  });
});

it('scores are computed when they are asked for, and once', async () => {
  const result = await segmenter.segment([prompt], image);
  expect(result.scores).toBe(result.scores);
  const area = result.masks[0].area;
  const inside = result.scores.data.filter((_, i) => result.labelMap.data[i] === 1);
  const mean = area ? inside.reduce((a, b) => a + b, 0) / area : 0;
  expect(result.masks[0].score).toBeCloseTo(mean, 5);
});

describe('resolution', () => {
  it('is what the preprocessor config says, else half the canvas, unless it is given', async () => {
    const sizeOf = async (source: InContextSegmenter, resolution?: number) => {
      const { modelPaintings } = await source.segment([prompt], image, { resolution });
      return [modelPaintings[0].height, modelPaintings[0].width];
    };
    expect(await sizeOf(segmenter)).toEqual([16, 16]);
    expect(await sizeOf(segmenter, 40)).toEqual([40, 40]);
    const larger = await InContextSegmenter.load(
      { ...(await openMini()), preprocessor: { size: { height: 24, width: 32 } } },
      { backend: 'cpu' },
    );
    expect(await sizeOf(larger)).toEqual([24, 32]);
    larger.dispose();
  });

  it('must be a multiple of the patch', async () => {
    await expect(segmenter.segment([prompt], image, { resolution: 20 })).rejects.toThrow(
      /^resolution: must be a multiple of the model's patch, 8/,
    );
    const source = { ...(await openMini()), preprocessor: { size: { height: 20, width: 16 } } };
    await expect(InContextSegmenter.load(source, { backend: 'cpu' })).rejects.toThrow(
      /multiples of the patch, 8/,
    );
  });
});
