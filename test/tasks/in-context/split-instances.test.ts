import { Mask, measureLabels } from '../../../src/masks/mask';
import type { EncodedImage } from '../../../src/tasks/interactive/encoded-image';
import { splitInstances } from '../../../src/tasks/in-context/split-instances';
import { fitSquare } from '../../../src/tasks/interactive/square';
import { resolveTrackOptions } from '../../../src/tasks/tracking/options';

const [width, height] = [320, 200];

/** Discs on a grey ground: two that touch, one apart, and one of another label. */
const discs = [
  { x: 80, y: 100, r: 40, label: 1 },
  { x: 158, y: 100, r: 39, label: 1 },
  { x: 270, y: 60, r: 30, label: 1 },
  { x: 270, y: 150, r: 26, label: 7 },
];

function inDisc(i: number, at: number): boolean {
  const { x, y, r } = discs[i];
  return ((at % width) - x) ** 2 + (Math.floor(at / width) - y) ** 2 <= r * r;
}

const labels = new Uint8Array(width * height);
for (let at = 0; at < labels.length; at++)
  discs.forEach(({ label }, i) => {
    if (inDisc(i, at)) labels[at] = label;
  });

function maskOf(label: number, name: string): Mask {
  const { area, box } = measureLabels(labels, width, height)[label];
  return new Mask(label, name, 0.5, width, height, area, box, labels);
}

const CELLS = 80;

/** What a decoder expects of one disc, and of the two that touch as one. */
interface Expected {
  readonly disc: number;
  readonly pair: number;
}

/** A picture whose decoder answers a point by the disc there, and a box by all that lies in it. */
function pictureOf({ disc, pair }: Expected): EncodedImage {
  const fit = fitSquare(width, height, width);
  const scale = width / CELLS;
  const answer = (indices: number[], predictedIou: number) => {
    const logits = new Float32Array(CELLS * CELLS).fill(-10);
    for (let y = 0; y < CELLS; y++)
      for (let x = 0; x < CELLS; x++) {
        const at = Math.floor((y + 0.5) * scale) * width + Math.floor((x + 0.5) * scale);
        if (y < height / scale && indices.some((i) => inDisc(i, at))) logits[y * CELLS + x] = 10;
      }
    return { logits, predictedIou };
  };
  return {
    ...{ fit, cells: CELLS, width, height },
    segmentMany: (prompts: readonly { points?: number[][]; box?: number[] }[]) =>
      Promise.resolve(
        prompts.map(({ points, box }) => {
          const hit = discs.flatMap(({ x, y }, i) => {
            if (!box)
              return inDisc(i, Math.floor(points![0][1]) * width + Math.floor(points![0][0]))
                ? [i]
                : [];
            return x > box[0] && x < box[2] && y > box[1] && y < box[3] ? [i] : [];
          });
          return { masks: [answer(hit, hit.length > 1 ? pair : disc)] };
        }),
      ),
  } as unknown as EncodedImage;
}

const labelled = {
  width,
  height,
  labelMap: { data: labels },
  masks: [maskOf(1, 'disc'), maskOf(7, 'other')],
};

test('what touches is told apart, label by label, and nothing is lost or doubled', async () => {
  const picture = pictureOf({ disc: 0.95, pair: 0.9 });
  const instances = await splitInstances(labelled, async () => picture);
  expect(instances.map(({ label, name }) => [label, name])).toEqual([
    [1, 'disc'],
    [1, 'disc'],
    [1, 'disc'],
    [7, 'other'],
  ]);
  const covered = new Uint8Array(labels.length);
  for (const [i, instance] of instances.entries()) {
    const inside = instance.toBinary();
    inside.forEach((value, at) => (covered[at] += value * instance.label));
    const both = inside.filter((value, at) => value && inDisc(i, at)).length;
    const either = inside.filter((value, at) => value || inDisc(i, at)).length;
    expect(both / either).toBeGreaterThan(0.9);
    expect(instance.area).toBe(inside.filter(Boolean).length);
    expect(instance.box).toEqual(measureLabels(inside, width, height)[1].box);
    expect(instance.score).toBeCloseTo(0.95, 1);
  }
  expect(Buffer.compare(covered, labels)).toBe(0);
});

test('a region stays one object where the decoder expects more of it than of its parts', async () => {
  const picture = pictureOf({ disc: 0.8, pair: 0.9 });
  const instances = await splitInstances(labelled, async () => picture);
  expect(instances).toHaveLength(3);
  expect(instances[0].area).toBe(
    labels.filter((label, at) => label === 1 && at % width < 220).length,
  );
  expect(instances[0].score).toBe(0.9);
});

test('what the decoder does not know are regions as they hang together, with the score of the label', async () => {
  const picture = pictureOf({ disc: 0.3, pair: 0.3 });
  const blind = {
    ...picture,
    segmentMany: async (prompts: readonly object[]) =>
      prompts.map(() => ({
        masks: [{ logits: new Float32Array(CELLS * CELLS).fill(-10), predictedIou: 0.3 }],
      })),
  };
  const instances = await splitInstances(labelled, async () => blind as unknown as EncodedImage);
  expect(instances.map(({ label, score }) => [label, score])).toEqual([
    [1, 0.5],
    [1, 0.5],
    [7, 0.5],
  ]);
});

test('labels that are not there cost no encoding', async () => {
  const absent = new Mask(3, 'none', 0, width, height, 0, [0, 0, 0, 0], labels);
  const instances = await splitInstances({ ...labelled, masks: [absent] }, () => {
    throw new Error('encoded');
  });
  expect(instances).toEqual([]);
});

test('tracking refuses it', () => {
  expect(() => resolveTrackOptions({ instances: true } as never)).toThrow(
    /^instances: are found in single pictures/,
  );
});
