/** Objects that move as a test says, followed by a model that is known to copy: see the helper. */
import { InContextSegmenter, type TrackedFrame, type TrackOptions } from '../../../src';
import { mapColors } from '../../../src/colors/color-mapping';
import { colorFits } from '../../../src/colors/decode';
import { openCopying } from '../../helpers/copying-checkpoint';
import { drawn, labels, overlap, scene, squares } from '../../helpers/scenes';

let segmenter: InContextSegmenter;
beforeAll(
  async () => (segmenter = await InContextSegmenter.load(await openCopying(), { backend: 'wasm' })),
);
afterAll(() => segmenter.dispose());

async function collect(source: AsyncIterable<TrackedFrame>) {
  const all = [];
  for await (const { result } of source) all.push(result!.labelMap);
  return all;
}

describe('an object and its twin, which change places', () => {
  /** The object goes right along the top, its twin left below. */
  const moment = (i: number) => scene(squares(['r', i, 0, 2, 1], ['r', 6 - i, 4, 2, 1]));
  const object = (i: number) => squares(['1', i, 0, 2, 1]);
  const twin = (i: number) => squares(['1', 6 - i, 4, 2, 1]);
  const moments = [0, 1, 2, 3, 4, 5, 6];
  const prompts = [{ image: moment(0), mask: labels(object(0)) }];
  const track = async (options: TrackOptions) =>
    (await collect(segmenter.track(prompts, moments.map(moment), options))).map((map) =>
      drawn(map),
    );

  it('are mistaken for each other by the prompt alone once they have changed places', async () => {
    const alone = await track({ memory: 0 });
    expect(alone.slice(0, 4)).toEqual(moments.slice(0, 4).map(object));
    expect(alone[6]).toEqual(twin(6));
  });

  it.each<[string, TrackOptions]>([
    ['two frames', { memory: 2 }],
    ['three frames', { memory: 3 }],
    ['hard masks', { memory: 3, softMasks: false }],
    ['colours drawn anew', { memory: 3, redrawColors: true }],
    ['a label at a time', { memory: 3, labelsPerPass: 1 }],
  ])('are told apart with a memory of %s', async (_, options) => {
    expect(await track(options)).toEqual(moments.map(object));
  });

  it('are mistaken where frames are remembered for being distinct, so that old ones stay', async () => {
    expect((await track({ memory: 3, selection: 'distinct' }))[6]).toEqual(twin(6));
  });

  it('are mistaken where frames are not sure enough to be remembered', async () => {
    expect((await track({ memory: 3, memoryScore: 1 }))[6]).toEqual(twin(6));
  });

  it('are mistaken where the prompt weighs more than all that is remembered', async () => {
    const weighed = { promptWeight: 3, minimumScore: 0 }; // half the votes paint half a colour
    expect((await track({ ...weighed, memory: 2 }))[6]).toEqual(twin(6));
    expect((await track({ ...weighed, memory: 4 }))[6]).toEqual(object(6));
  });

  it('are told apart with labels for both, in either order of time', async () => {
    const both = (i: number) => squares(['1', i, 0, 2, 1], ['2', 6 - i, 4, 2, 1]);
    for (const order of [moments, [...moments].reverse()]) {
      const firstMask = labels(both(order[0]));
      const maps = await collect(
        segmenter.track({ firstMask }, order.map(moment), { memory: 3, redrawColors: true }),
      );
      expect(maps.map((map) => drawn(map))).toEqual(order.map(both));
    }
  });
});

describe('a correction', () => {
  // Two of five red squares are marked, so the prompt alone votes two fifths for red: not enough.
  const prompts = [
    {
      image: scene(squares(['r', 0, 0, 5, 1])),
      mask: labels(squares(['1', 0, 0, 2, 1])),
    },
  ];
  const frame = scene(squares(['r', 3, 3, 2, 2]));
  const truth = squares(['1', 3, 3, 2, 2]);
  const options = { task: 'semantic', memoryScore: 0 } as const;

  it.each([
    ['nothing', 0],
    ['frames in which it found nothing', 3],
  ])('decides, while the tracker remembers %s', async (_, memory) => {
    const tracker = segmenter.createTracker(prompts, { ...options, memory });
    for (let i = 0; i < 4; i++) {
      const { labelMap } = await tracker.next(frame);
      expect(drawn(labelMap)).toEqual(squares());
    }
    await tracker.correct(labels(truth));
    // Now 0.7 vote for red. With what was remembered before it would be 0.35 or less.
    expect(drawn((await tracker.next(frame)).labelMap)).toEqual(truth);
    const moved = scene(squares(['r', 6, 5, 2, 2]));
    expect(drawn((await tracker.next(moved)).labelMap)).toEqual(squares(['1', 6, 5, 2, 2]));
    tracker.dispose();
  });

  it('is of the last frame, not of an earlier one', async () => {
    const tracker = segmenter.createTracker(prompts, options);
    await tracker.next(scene(squares(['b', 3, 3, 2, 2])));
    await tracker.next(frame);
    await tracker.correct(labels(truth));
    expect(drawn((await tracker.next(frame)).labelMap)).toEqual(truth);
    tracker.dispose();
  });
});

describe('what is remembered', () => {
  // Two of five red squares are marked: the prompt votes two fifths for red.
  const prompts = [
    { image: scene(squares(['r', 0, 0, 5, 1])), mask: labels(squares(['1', 0, 0, 2, 1])) },
  ];
  const frame = scene(squares(['r', 0, 3, 8, 2]));
  const inside = (12 * 32 + 5) * 3;
  const levels = async (options: TrackOptions) => {
    const tracker = segmenter.createTracker(prompts, {
      ...{ task: 'semantic', memoryScore: 0, memory: 1 },
      ...options,
    });
    const first = (await tracker.next(frame)).modelPaintings[0];
    const second = (await tracker.next(frame)).modelPaintings[0];
    tracker.dispose();
    return { first, painted: [first.data[inside], second.data[inside]] };
  };

  it('as labels votes for nothing where nothing was found', async () => {
    const { painted } = await levels({ softMasks: false });
    expect(Math.abs(painted[0] - 0.4 * 255)).toBeLessThan(1);
    expect(Math.abs(painted[1] - (0.4 * 255) / 2)).toBeLessThan(1);
  });

  it('as fits votes as much as the label fitted', async () => {
    const { first, painted } = await levels({});
    const fit = colorFits(first)[1][inside / 3];
    expect(fit).toBeGreaterThan(0.02);
    expect(Math.abs(painted[1] - ((0.4 + fit) * 255) / 2)).toBeLessThan(1);
  });

  it('as nothing where it is not sure enough, or where nothing was found', async () => {
    const { painted } = await levels({ memoryScore: 0.01 });
    expect(painted[1]).toBe(painted[0]);
  });

  it('with a weighty prompt counts as much less', async () => {
    const { painted } = await levels({ softMasks: false, promptWeight: 4 });
    expect(Math.abs(painted[1] - (0.4 * 255 * 4) / 5)).toBeLessThan(1);
  });

  it('is drawn in the colours of each frame, one seed after the other where they are redrawn', async () => {
    const image = scene(squares(['r', 0, 0, 2, 2], ['g', 4, 4, 2, 2]));
    const mask = labels(squares(['1', 0, 0, 2, 2], ['2', 4, 4, 2, 2]));
    const seeds = async (options: TrackOptions) => {
      const tracker = segmenter.createTracker([{ image, mask }], { seed: 6, ...options });
      const mappings = [];
      for (let i = 0; i < 4; i++)
        mappings.push((await tracker.next(image)).modelPaintings[0].mapping);
      tracker.dispose();
      return mappings;
    };
    const of = (seed: number) => mapColors([1, 2], 'random', seed);
    expect(await seeds({ redrawColors: true, memory: 2 })).toEqual([6, 7, 8, 9].map(of));
    expect(await seeds({ redrawColors: true })).toEqual([6, 7, 8, 9].map(of));
    expect(await seeds({ memory: 2 })).toEqual([6, 6, 6, 6].map(of));
    const last = await seeds({ redrawColors: true, seed: 2 ** 32 - 2 });
    expect(last).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0, 1].map(of));
  });
});

describe('what depends on the prompts alone', () => {
  const prompts = [
    { image: scene(squares(['r', 0, 0, 2, 2])), mask: labels(squares(['1', 0, 0, 2, 2])) },
  ];

  it('is computed once for all frames without memory, and anew where memory or prompts change', async () => {
    const prepare = jest.spyOn(segmenter.painter, 'prepare');
    const frame = scene(squares(['r', 2, 2, 2, 2]));
    const counts = async (options: TrackOptions) => {
      prepare.mockClear();
      const tracker = segmenter.createTracker(prompts, options);
      const seen = [];
      for (let i = 0; i < 5; i++) {
        if (i === 3) await tracker.correct(labels(squares(['1', 2, 2, 2, 2])));
        await tracker.next(frame);
        seen.push(prepare.mock.calls.map(([{ count }]) => count));
      }
      tracker.dispose();
      return seen.at(-1);
    };
    expect(await counts({})).toEqual([1, 2]);
    expect(await counts({ memory: 2 })).toEqual([1, 2, 3, 2, 3]);
    expect(await counts({ memory: 2, promptWeight: 2 })).toEqual([1, 3, 4, 2, 5]);
    prepare.mockRestore();
  });
});

describe('a small object in a large frame', () => {
  const side = 128;
  /** A red square of 32 pixels, on black. */
  const at = (x: number, y: number) => {
    const inside = (i: number) => {
      const [column, row] = [i % side, Math.floor(i / side)];
      return column >= x && column < x + 32 && row >= y && row < y + 32;
    };
    const image = {
      width: side,
      height: side,
      data: Uint8Array.from({ length: side * side * 3 }, (_, i) =>
        i % 3 === 0 && inside(Math.floor(i / 3)) ? 255 : 0,
      ),
    };
    const data = Uint8Array.from({ length: side * side }, (_, i) => Number(inside(i)));
    return { image, mask: { width: side, height: side, data } };
  };
  const follow = async (steps: readonly ReturnType<typeof at>[], options: TrackOptions) => {
    const [{ image, mask }] = steps;
    const maps = await collect(
      segmenter.track(
        [{ image, mask }],
        steps.map((step) => step.image),
        options,
      ),
    );
    return maps.map(({ data }, i) => overlap(data, steps[i].mask.data));
  };

  it('is found finely in a region that follows it, and coarsely in whole frames', async () => {
    const path = [0, 1, 2, 3, 4, 5].map((i) => at(24 + 8 * i, 72 - 8 * i));
    const close = await follow(path, { regionScale: 2 });
    const whole = await follow(path, {});
    for (const each of close) expect(each).toBeGreaterThan(0.9);
    const mean = (all: number[]) => all.reduce((a, b) => a + b) / all.length;
    expect(mean(whole)).toBeLessThan(mean(close) - 0.05);
  });

  it('is lost when it leaps, and found again in the whole of the next frame', async () => {
    const steps = [at(8, 24), at(16, 32), at(96, 96), at(96, 96), at(88, 96)];
    const found = await follow(steps, { regionScale: 2 });
    expect(found[1]).toBeGreaterThan(0.9);
    expect(found[2]).toBe(0);
    expect(found[3]).toBeGreaterThan(0.9);
    expect(found[4]).toBeGreaterThan(0.9);
  });

  it('is looked for where a correction says', async () => {
    const [a, b] = [at(8, 8), at(88, 88)];
    const both = { ...a.image, data: a.image.data.map((level, i) => level | b.image.data[i]) };
    const tracker = segmenter.createTracker([a], { regionScale: 2 });
    expect((await tracker.next(a.image)).masks[0].box).toEqual([8, 8, 32, 32]);
    expect((await tracker.next(both)).masks[0].box).toEqual([8, 8, 32, 32]);
    await tracker.correct(b.mask);
    expect((await tracker.next(both)).masks[0].box).toEqual([88, 88, 32, 32]);
    tracker.dispose();
  });

  it('is looked for around the prompt in a first frame that is its very picture, not in later ones', async () => {
    const [a, b] = [at(16, 16), at(80, 80)];
    const tracker = segmenter.createTracker([a], { regionScale: 2 });
    const boxes = [];
    for (const image of [b.image, b.image, a.image, a.image])
      boxes.push((await tracker.next(image)).masks[0].box);
    const nothing = [0, 0, 0, 0];
    // Near the second place there is nothing of the first picture; after that all of it is looked at.
    expect(boxes).toEqual([[80, 80, 32, 32], [80, 80, 32, 32], nothing, [16, 16, 32, 32]]);
    tracker.dispose();
  });

  it.each([
    [128, 32],
    [32, 128],
  ])('is followed in a region as wide or as high as the frame: %i x %i', async (width, height) => {
    const moment = (shift: number) => {
      const [left, top] = [width > 32 ? 32 + shift : 0, height > 32 ? 32 + shift : 0];
      const inside = (i: number) => {
        const [x, y] = [i % width, Math.floor(i / width)];
        return x >= left && x < left + 32 && y >= top && y < top + 32;
      };
      const picture = { width, height, data: new Uint8Array(width * height * 3) };
      const mask = { width, height, data: new Uint8Array(width * height) };
      mask.data.forEach((_, i) => {
        if (!inside(i)) return;
        mask.data[i] = 1;
        picture.data[i * 3] = 255;
      });
      return { image: picture, mask, box: [left, top, 32, 32] };
    };
    const { image: first, mask } = moment(0);
    const tracker = segmenter.createTracker([{ image: first, mask }], { regionScale: 2 });
    for (const shift of [0, 8, 16, 24]) {
      const { image, box } = moment(shift);
      expect((await tracker.next(image)).masks[0].box).toEqual(box);
    }
    tracker.dispose();
  });

  it('is looked for in the whole of a frame of another size', async () => {
    const a = at(8, 8);
    const tracker = segmenter.createTracker([a], { regionScale: 2 });
    await tracker.next(a.image);
    const wide = scene(squares(['r', 6, 6, 2, 2]), 20);
    expect((await tracker.next(wide)).masks[0].box).toEqual([120, 120, 40, 40]);
    const tall = { ...wide, width: 128, data: new Uint8Array(128 * 160 * 3) };
    for (let y = 120; y < 160; y++)
      for (let x = 80; x < 112; x++) tall.data[(y * 128 + x) * 3] = 255;
    const [x, y, w, h] = (await tracker.next(tall)).masks[0].box;
    expect([x, y, x + w, y + h].map((edge) => Math.round(edge / 4) * 4)).toEqual([
      80, 120, 112, 160,
    ]);
    tracker.dispose();
  });
});
