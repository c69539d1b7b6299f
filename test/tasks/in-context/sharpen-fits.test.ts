import { fitOf, logitOf } from '../../../src/colors/logits';
import { sharpenFits } from '../../../src/tasks/in-context/sharpen-fits';
import type { EncodedImage } from '../../../src/tasks/interactive/encoded-image';
import { fitSquare } from '../../../src/tasks/interactive/square';
import type { SamPrompt } from '../../../src/models/sam/prompt-encoder';

const SIDE = 40;

/** Planes of background and one label that fits by `inside` within rectangles, and by `outside` elsewhere. */
function fitsOf(rectangles: number[][], inside = 0.7, outside = 0.2) {
  const plane = new Float32Array(SIDE * SIDE).fill(outside);
  for (const [x0, y0, x1, y1] of rectangles)
    for (let y = y0; y < y1; y++) plane.fill(inside, y * SIDE + x0, y * SIDE + x1);
  const planes = [plane.map((fit) => 1 - fit), plane];
  return { planes, labels: [3], height: SIDE, width: SIDE };
}

/** A decoder that answers every prompt with the same mask: a rectangle of the square's 16 x 16 cells. */
function decoder([x0, y0, x1, y1]: number[], iou = 0.9, width = 64, height = 64) {
  const asked: SamPrompt[] = [];
  const answer = new Float32Array(256).fill(-20);
  for (let y = y0; y < y1; y++) answer.fill(20, y * 16 + x0, y * 16 + x1);
  const picture = {
    fit: fitSquare(width, height, 64),
    cells: 16,
    decode: (prompts: readonly SamPrompt[]) => {
      asked.push(...prompts);
      const logits = new Float32Array(256 * prompts.length);
      prompts.forEach((_, p) => logits.set(answer, 256 * p));
      const found = new Float32Array(prompts.length).fill(iou);
      return Promise.resolve({ masks: 1, side: 16, logits, iou: found });
    },
  } as unknown as EncodedImage;
  return { asked, encode: () => Promise.resolve(picture) };
}

it('logits and fits', () => {
  expect(logitOf(0.5)).toBe(0);
  expect(logitOf(1)).toBe(8);
  expect(logitOf(0)).toBe(-8);
  expect(fitOf(logitOf(0.2))).toBeCloseTo(0.2, 6);
});

it('asks by the mask, a box a little wider and the innermost point', async () => {
  const { asked, encode } = decoder([4, 4, 12, 12]);
  await sharpenFits(fitsOf([[10, 10, 30, 20]]), encode);
  expect(asked).toHaveLength(1);
  const [{ box, points, labels, mask }] = asked;
  const scale = 64 / SIDE;
  [9, 9.5, 31, 20.5].forEach((edge, i) => expect(box![i]).toBeCloseTo(edge * scale - 0.5, 5));
  // Five rows deep at rows 14 and 15, from column 14 on: the first of equals.
  expect(points![0]).toBeCloseTo(14.5 * scale - 0.5, 5);
  expect(points![1]).toBeCloseTo(14.5 * scale - 0.5, 5);
  expect(labels).toEqual([1]);
  expect(mask![6 * 16 + 8]).toBeCloseTo(logitOf(0.7), 5);
  expect(mask![0]).toBeCloseTo(logitOf(0.2), 5);
});

it('mixes the answer in where the painter is unsure, and the background is what is left', async () => {
  const before = fitsOf([[10, 10, 30, 30]]);
  const { encode } = decoder([4, 4, 13, 12]);
  const after = await sharpenFits(before, encode);
  // Half of the cells are 2.5 pixels wide: columns 10 to 32, rows 10 to 30.
  const [background, label] = after.planes;
  expect(label[20 * SIDE + 31]).toBeGreaterThan(0.5);
  expect(before.planes[1][20 * SIDE + 31]).toBeLessThan(0.5);
  label.forEach((fit, i) => expect(background[i] + fit).toBeCloseTo(1, 5));
  // Weight 0.6 (2.2 - c is above 1: the painter's logits are 0.85 and -1.39).
  expect(label[20 * SIDE + 20]).toBeCloseTo(fitOf(0.6 * 8 + 0.4 * logitOf(0.7)), 4);
});

it.each([
  ['a painter that is sure', fitsOf([[10, 10, 30, 30]], 0.95, 0.02), 0.9],
  ['an answer that is expected to be bad', fitsOf([[10, 10, 30, 30]]), 0.5],
])('%s is left alone', async (_, before, iou) => {
  const { encode } = decoder([0, 0, 4, 4], iou);
  expect(await sharpenFits(before, encode)).toBe(before);
});

it.each([
  ['nothing painted', fitsOf([])],
  ['specks', fitsOf([[3, 3, 5, 6]])],
  ['a texture', fitsOf([0, 1, 2, 3, 4].map((i) => [8 * i, 4, 8 * i + 5, 9]))],
])('%s asks for nothing, not even features', async (_, before) => {
  const encode = () => Promise.reject(new Error('not asked for'));
  expect(await sharpenFits(before, encode)).toBe(before);
});

it('of two parts each is hidden from the other, and specks stay', async () => {
  const before = fitsOf([
    [2, 2, 16, 16],
    [22, 22, 38, 38],
    [35, 2, 37, 4],
  ]);
  const { asked, encode } = decoder([1, 1, 6, 6]);
  const { planes } = await sharpenFits(before, encode);
  expect(asked).toHaveLength(2);
  expect(asked[0].mask![12 * 16 + 12]).toBeCloseTo(logitOf(0.7), 5); // the larger comes first
  expect(asked[0].mask![3 * 16 + 3]).toBe(-8);
  expect(asked[1].mask![12 * 16 + 12]).toBe(-8);
  expect(planes[1][2 * SIDE + 35]).toBeCloseTo(0.7, 5);
  expect(planes[1][8 * SIDE + 8]).toBeGreaterThan(0.7);
});

it('a wide picture fills part of the square alone', async () => {
  const { asked, encode } = decoder([4, 2, 12, 6], 0.9, 128, 64);
  await sharpenFits(fitsOf([[10, 10, 30, 30]]), encode);
  expect(asked[0].box![3]).toBeCloseTo((31 / SIDE) * 32 - 0.5, 5);
  expect([...asked[0].mask!.subarray(8 * 16)]).toEqual(Array(128).fill(-8));
});
