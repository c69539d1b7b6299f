import * as tf from '@tensorflow/tfjs';
import {
  AbortedError,
  DisposedError,
  ImageError,
  type ImageInput,
  InContextSegmenter,
  InvalidInputError,
  type Progress,
  type SegmentationResult,
  type TrackedFrame,
} from '../../../src';
import { openCheckpoint } from '../../../src/checkpoints/open-checkpoint';
import { imageHalf } from '../../../src/tasks/in-context/half-canvas';
import { denormalizeColors, normalizeColors } from '../../../src/models/seggpt/normalize';
import { nearestIndices, resizeNearest } from '../../../src/images/resize';
import { Painter } from '../../../src/models/seggpt/painter';
import ndarray from 'ndarray';
import { type ColorMapping, colorize } from '../../../src/colors/color-mapping';
import { tinyModel } from '../../helpers/reference';
import { box, gradient } from '../../helpers/picture';
import { openMini } from '../../helpers/tiny-checkpoint';

const [width, height] = [48, 36];
const mask = { data: box(width, height), width, height };

/** A moving picture. */
const frame = (i: number, w = width, h = height) => {
  const data = gradient(w, h).map((value, at) => (value + i * 5 + (at % 7)) % 256);
  return { data, width: w, height: h };
};
const frames = (count: number) => Array.from({ length: count }, (_, i) => frame(i));
const prompts = [{ image: frame(0), mask }];

let segmenter: InContextSegmenter;
beforeAll(
  async () => (segmenter = await InContextSegmenter.load(await openMini(), { backend: 'cpu' })),
);
afterAll(() => segmenter.dispose());

async function collect(source: AsyncIterable<TrackedFrame>): Promise<TrackedFrame[]> {
  const all = [];
  for await (const each of source) all.push(each);
  return all;
}
/** What was painted, which tells runs apart where label maps would not: this model paints nearly even pictures. */
const paintings = (all: (SegmentationResult | null)[]) =>
  all.map((result) => result?.modelPaintings[0].data);
const painted = (all: TrackedFrame[]) => paintings(all.map(({ result }) => result));
const always = { memoryScore: 0 };

it('with K = 0 every frame is segmented by the prompts alone', async () => {
  const tracked = await collect(segmenter.track(prompts, frames(4), { memory: 0 }));
  for (const [i, { result, index }] of tracked.entries()) {
    expect(index).toBe(i);
    const alone = await segmenter.segment(prompts, frame(i));
    expect(paintings([result])).toEqual(paintings([alone]));
  }
});

it("with K = 0 and a threshold of 128 frames equal the official procedure's on the reference model", async () => {
  // The official code: squeeze to the half, paint white on black, mean of the channels over 128 after nearest.
  const painter = await Painter.load(await openCheckpoint(tinyModel), { backend: 'wasm' });
  const reference = await InContextSegmenter.load(tinyModel, { backend: 'wasm' });
  const size = { height: 64, width: 64 };
  const target = { ...frame(3), data: Uint8Array.from(frame(3).data) };
  const prompt = { ...frame(0), data: Uint8Array.from(frame(0).data) };
  const white = { labels: [1], colors: [[255, 255, 255] as const] };
  const stack = (upper: Uint8Array, lower: Uint8Array) => {
    const values = new Float32Array(2 * upper.length);
    values.set(normalizeColors(upper));
    values.set(normalizeColors(lower), upper.length);
    return ndarray(values, [1, 128, 64, 3]);
  };
  const colors = colorize(resizeNearest(mask.data, [height, width, 1], [64, 64]), white);
  const painted = await painter.paint({
    images: stack(imageHalf(prompt, size), imageHalf(target, size)),
    masks: stack(colors, colors),
    plain: true,
  });
  const rgb = denormalizeColors(painted.data);
  const [rows, columns] = [nearestIndices(64, height), nearestIndices(64, width)];
  const official = Uint8Array.from({ length: width * height }, (_, i) => {
    const at = (rows[Math.floor(i / width)] * 64 + columns[i % width]) * 3;
    return (rgb[at] + rgb[at + 1] + rgb[at + 2]) / 3 > 128 ? 1 : 0;
  });
  const options = { memory: 0, threshold: 128, colors: 'binary' as const };
  const [{ result }] = await collect(reference.track(prompts, [target], options));
  expect(official.some((label) => label === 1) && official.some((label) => label === 0)).toBe(true);
  expect(result?.labelMap.data).toEqual(official);
  painter.dispose();
  reference.dispose();
});

it('remembers up to K frames, which join the prompts', async () => {
  const seen: number[] = [];
  const spy = jest.spyOn(segmenter.painter, 'prepare').mockImplementation(function (
    this: Painter,
    halves,
    ...rest
  ) {
    seen.push(halves.count);
    return Painter.prototype.prepare.call(segmenter.painter, halves, ...rest);
  });
  const [first] = await collect(segmenter.track(prompts, frames(5), { memory: 3, ...always }));
  spy.mockRestore();
  expect(seen).toEqual([1, 2, 3, 4, 4]);
  expect(painted([first])).toEqual(paintings([await segmenter.segment(prompts, frame(0))]));
});

it.each([
  ['hard masks', { softMasks: false }],
  ['distinct frames', { selection: 'distinct' as const }],
  ['redrawn colours', { redrawColors: true }],
  ['a weighed prompt', { promptWeight: 3 }],
  ['a region that follows', { regionScale: 2 }],
  ['colour ensemble', { colorEnsemble: 2 }],
])('%s: runs without a leak', async (_, options) => {
  const before = tf.memory().numTensors;
  const tracked = await collect(
    segmenter.track(prompts, frames(4), { memory: 2, ...always, ...options }),
  );
  expect(tracked.every(({ result }) => result?.width === width)).toBe(true);
  expect(tf.memory().numTensors).toBe(before);
});

it('the first frame with its mask may be the prompt, in either direction', async () => {
  const forward = await collect(segmenter.track({ firstMask: mask }, frames(3), { memory: 0 }));
  const backward = await collect(
    segmenter.track({ firstMask: mask }, frames(3).reverse(), { memory: 0 }),
  );
  expect(forward).toHaveLength(3);
  for (const [tracked, i] of [
    [forward, 0],
    [backward, 2],
  ] as const) {
    const alone = await segmenter.segment([{ image: frame(i), mask }], frame(i));
    expect(painted(tracked.slice(0, 1))).toEqual(paintings([alone]));
  }
});

it('takes generators, async generators and arrays, and pulls a frame only when its turn comes', async () => {
  let pulled = 0;
  async function* source() {
    for (let i = 0; i < 10; i++) {
      pulled++;
      yield await Promise.resolve(frame(i));
    }
  }
  for await (const { index } of segmenter.track(prompts, source(), { memory: 0 })) {
    expect(pulled).toBe(index + 1);
    if (index === 2) break;
  }
  expect(pulled).toBe(3);
});

it('closes the source and frees everything when the loop ends early, by break or by abort', async () => {
  const before = tf.memory().numTensors;
  let closed = 0;
  function* source() {
    try {
      for (let i = 0; ; i++) yield frame(i);
    } finally {
      closed++;
    }
  }
  for await (const { index } of segmenter.track(prompts, source(), {})) if (index === 1) break;
  expect(closed).toBe(1);
  const abort = new AbortController();
  const failure = await (async () => {
    for await (const { index } of segmenter.track(prompts, source(), { signal: abort.signal }))
      if (index === 1) abort.abort();
  })().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AbortedError);
  expect(closed).toBe(2);
  expect(tf.memory().numTensors).toBe(before);
});

it('goes on after a frame that cannot be read, and takes frames of changing size', async () => {
  const bad = Uint8Array.of(1, 2, 3);
  const tracked = await collect(
    segmenter.track(prompts, [frame(0), bad, frame(1, 30, 50), frame(2)], {
      regionScale: 2,
      ...always,
    }),
  );
  expect(tracked.map(({ error }) => error && error.name)).toEqual([null, 'ImageError', null, null]);
  expect(tracked[1].error).toBeInstanceOf(ImageError);
  expect(tracked[2].result).toMatchObject({ width: 30, height: 50 });
  expect(tracked[3].result).toMatchObject({ width, height });
});

it('ends with the error of a prompt that cannot be read, before any frame is tracked', async () => {
  const bad = Uint8Array.of(1, 2, 3);
  let pulled = 0;
  function* source() {
    for (let i = 0; i < 3; i++, pulled++) yield frame(i);
  }
  const run = (prompts: Parameters<typeof segmenter.track>[0], from: Iterable<ImageInput>) =>
    collect(segmenter.track(prompts, from)).catch((error: unknown) => error);
  expect(await run([{ image: bad, mask }], source())).toBeInstanceOf(ImageError);
  expect(await run({ prompts, firstMask: bad }, source())).toBeInstanceOf(ImageError);
  expect(await run({ firstMask: mask }, [bad, frame(1)])).toBeInstanceOf(ImageError);
  expect(pulled).toBe(0);
});

it('looks at a region of the first frame only where that is the very picture of the prompt', async () => {
  const [left, right] = [frame(0), frame(1)];
  const small = {
    ...mask,
    data: mask.data.map((_, i) => (i % width < 4 && i < 4 * width ? 1 : 0)),
  };
  const blackCorner = async (first: ImageInput) => {
    const tracker = segmenter.createTracker([{ image: left, mask: small }], { regionScale: 1 });
    const { painting } = await tracker.next(first);
    tracker.dispose();
    expect(painting.data).toHaveLength(width * height * 3);
    return painting.data.subarray(-3 * width).every((value) => value === 0);
  };
  expect(await blackCorner(left)).toBe(true);
  expect(await blackCorner(right)).toBe(false);
});

it('ends cleanly where there are no frames', async () => {
  expect(await collect(segmenter.track(prompts, [], {}))).toEqual([]);
  expect(await collect(segmenter.track({ firstMask: mask }, [], {}))).toEqual([]);
});

it('refuses bad options, prompts and frames at once', () => {
  const refusal = (
    options: object,
    given: Parameters<typeof segmenter.track>[0] = prompts,
    source: Iterable<ImageInput> = frames(1),
  ): unknown => {
    try {
      segmenter.track(given, source, options);
    } catch (error) {
      return error;
    }
    return undefined;
  };
  expect(refusal({}, [])).toMatchObject({ name: 'InvalidInputError', argument: 'prompts' });
  expect(refusal({}, 7 as never)).toMatchObject({ argument: 'prompts' });
  expect(refusal({ memory: -1 })).toMatchObject({ argument: 'memory' });
  expect(refusal({ selection: 'best' })).toMatchObject({ argument: 'selection' });
  expect(refusal({ softMasks: 1 })).toMatchObject({ argument: 'softMasks' });
  expect(refusal({ threshold: 128 })).toMatchObject({ argument: 'threshold' });
  expect(refusal({ regionScale: 0.5 })).toMatchObject({
    argument: 'regionScale',
    detail: 'must be 0, or a number from 1 to 16, is 0.5.',
  });
  expect(refusal({}, prompts, 7 as never)).toMatchObject({ argument: 'frames' });
  expect(refusal({ regionScale: undefined })).toBeUndefined();
});

it('refuses bad masks when they are read', async () => {
  const run = (
    given: Parameters<typeof segmenter.track>[0],
    options?: Parameters<typeof segmenter.track>[2],
  ) => collect(segmenter.track(given, frames(1), options)).catch((error: unknown) => error);
  expect(await run({ firstMask: { ...mask, data: mask.data.map(() => 0) } })).toMatchObject({
    argument: 'prompts[0].mask',
  });
  const two = { ...mask, data: mask.data.map((label, i) => (label ? 1 + (i % 2) : 0)) };
  expect(
    await run([{ image: frame(0), mask: two }], { threshold: 128, colors: 'binary' }),
  ).toMatchObject({ argument: 'threshold' });
});

it('a frame that tells its time gives it back with its result', async () => {
  const timed = [{ ...frame(0), time: 0.5 }, frame(1)];
  const tracked = await collect(segmenter.track(prompts, timed));
  expect(tracked.map(({ time }) => time)).toEqual([0.5, null]);
});

describe('frames pushed one by one', () => {
  it('queue, and give what the generator gives', async () => {
    const tracker = segmenter.createTracker(prompts, { memory: 2, ...always });
    const pushed = await Promise.all(frames(4).map((each) => tracker.next(each)));
    const pulled = await collect(segmenter.track(prompts, frames(4), { memory: 2, ...always }));
    expect(paintings(pushed)).toEqual(painted(pulled));
    tracker.dispose();
    await expect(tracker.next(frame(0))).rejects.toThrow(DisposedError);
  });

  it('can be corrected in the middle', async () => {
    const tracker = segmenter.createTracker(prompts, { memory: 2, ...always });
    await expect(tracker.correct(mask)).rejects.toThrow(/no frame to correct yet/);
    await tracker.next(frame(0));
    await tracker.next(frame(1));
    const other = {
      ...mask,
      data: Uint8Array.from({ length: width * height }, (_, i) => (i % width < 10 ? 1 : 0)),
    };
    await tracker.correct(other);
    const after = await tracker.next(frame(1));
    // Exactly the prompts and the corrected frame are known now.
    const both = await segmenter.segment([...prompts, { image: frame(1), mask: other }], frame(1));
    expect(paintings([after])).toEqual(paintings([both]));
    await expect(
      tracker.correct({ ...mask, data: mask.data.map((label) => label * 9) }),
    ).rejects.toThrow(/label 9, which the prompts do not have/);
    await expect(tracker.correct({ ...mask, data: mask.data.map(() => 0) })).rejects.toThrow(
      InvalidInputError,
    );
    tracker.dispose();
  });
});

it('a correction in colours keeps the labels that the prompts gave them', async () => {
  const paint = (colors: readonly (readonly number[])[]) => ({
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const column = Math.floor(i / 3) % width;
      return colors[column < 10 ? 0 : column < 20 ? 1 : 2][i % 3];
    }),
  });
  const [black, red, green] = [
    [0, 0, 0],
    [255, 0, 0],
    [0, 255, 0],
  ];
  const tracker = segmenter.createTracker([{ image: frame(0), mask: paint([red, green, black]) }]);
  await tracker.next(frame(1));
  await tracker.correct(paint([black, green, black]));
  const { anchors } = tracker as unknown as {
    anchors: { drawMask(mapping: ColorMapping): Uint8Array }[];
  };
  const drawn = anchors[1].drawMask({
    labels: [1, 2],
    colors: [
      [10, 10, 10],
      [20, 20, 20],
    ],
  });
  expect([...new Set(drawn)].sort()).toEqual([0, 20]);
  await expect(tracker.correct(paint([[0, 0, 255], green, black]))).rejects.toThrow(
    /label 3, which the prompts do not have/,
  );
  tracker.dispose();
});

it('reports blocks, and stops for the signal of the tracker or of one call', async () => {
  const abort = new AbortController();
  const tracker = segmenter.createTracker(prompts, { signal: abort.signal });
  const stages: Progress[] = [];
  await tracker.next(frame(0), { onProgress: (step) => stages.push(step) });
  expect(stages.at(-1)).toMatchObject({ stage: 'paint' });
  expect(stages.at(-1)?.loaded).toBe(stages.at(-1)?.total);
  expect(new Set(stages.map(({ stage }) => stage))).toEqual(new Set(['prepare', 'paint']));
  const once = AbortSignal.abort();
  await expect(tracker.next(frame(1), { signal: once })).rejects.toThrow(AbortedError);
  await tracker.next(frame(1), { signal: new AbortController().signal });
  abort.abort();
  await expect(tracker.next(frame(2), { signal: new AbortController().signal })).rejects.toThrow(
    AbortedError,
  );
  tracker.dispose();
});

it('frees what was being prepared or painted when it was disposed', async () => {
  const before = tf.memory().numTensors;
  const steps: Progress[] = [];
  const whole = segmenter.createTracker(prompts);
  await whole.next(frame(0), { onProgress: (step) => steps.push(step) });
  whole.dispose();
  // Every step but the last, after which there is nothing left to stop.
  for (let at = 1; at < steps.length; at++) {
    const tracker = segmenter.createTracker(prompts);
    let reported = 0;
    const onProgress = () => {
      if (++reported === at) tracker.dispose();
    };
    await expect(tracker.next(frame(0), { onProgress })).rejects.toThrow(DisposedError);
    expect(tf.memory().numTensors).toBe(before);
  }
});

// Fewer where each of many mutants has to stream them.
const streamed = Number(process.env.SEGGPT_STREAMED_FRAMES ?? 2000);
it(`${streamed} frames stream through with constant memory`, async () => {
  const engine = await InContextSegmenter.load(await openMini(), { backend: 'wasm' });
  function* source() {
    for (let i = 0; i < streamed; i++) yield frame(i);
  }
  let settled = { tensors: 0, bytes: 0 };
  let count = 0;
  for await (const { index, error } of engine.track(prompts, source(), { memory: 3, ...always })) {
    expect(error).toBeNull();
    if (index === 20) settled = engine.memory();
    if (index > 20) expect(engine.memory()).toEqual(settled);
    count++;
  }
  expect(count).toBe(streamed);
  engine.dispose();
}, 240_000);
