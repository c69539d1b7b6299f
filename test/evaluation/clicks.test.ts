import { clickOn } from '../../src/evaluation/clicks';
import type { ClickPrompt } from '../../src/index';
import type { EncodedImage } from '../../src/tasks/interactive/encoded-image';

const [width, height] = [40, 20];
const image = { width, height, data: new Uint8Array(width * height * 3) };

/** Pixels of a rectangle. */
function box(x0: number, y0: number, x1: number, y1: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= x0 && x < x1 && y >= y0 && y < y1 ? 1 : 0;
  });
}

/** A picture that answers one prompt after the other with these masks. */
function answering(...answers: Uint8Array[]) {
  const asked: ClickPrompt[] = [];
  const picture = {
    segment: (prompt: ClickPrompt) => {
      asked.push({ ...prompt, points: [...prompt.points!], labels: [...prompt.labels!] });
      const mask = answers[asked.length - 1];
      const logits = Float32Array.of(asked.length);
      return Promise.resolve({ masks: [{ toBinary: () => mask, logits }] });
    },
  } as unknown as EncodedImage;
  return { asked, picture };
}

it('clicks at the centre of the largest error, inside or outside, with the mask so far', async () => {
  const truth = box(10, 5, 21, 16); // centre (15, 10)
  const { asked, picture } = answering(box(10, 5, 15, 16), box(10, 5, 40, 16), truth);
  const after = await clickOn(
    picture,
    { image, mask: { width, height, data: truth }, ignore: new Uint8Array(width * height) },
    { clicks: 4 },
  );
  expect(after.map((iou) => Number(iou.toFixed(4)))).toEqual([
    Number((5 / 11).toFixed(4)),
    Number((11 / 30).toFixed(4)),
    1,
    1, // nothing is left to click on
  ]);
  expect(asked).toHaveLength(3);
  expect(asked[0]).toEqual({ points: [[15.5, 10.5]], labels: [1] });
  // Columns 15 to 20 are missing: the first innermost pixel is three deep.
  expect(asked[1]).toMatchObject({ labels: [1, 1], mask: Float32Array.of(1) });
  expect(asked[1].points![1]).toEqual([17.5, 7.5]);
  // Columns 21 to 39 are too many.
  expect(asked[2]).toMatchObject({ labels: [1, 1, 0], mask: Float32Array.of(2) });
  expect(asked[2].points![2]).toEqual([26.5, 10.5]);
});

it('what is to be ignored is no error', async () => {
  const truth = box(0, 0, 10, 20);
  const { picture } = answering(box(0, 0, 20, 20));
  const ignore = box(10, 0, 20, 20);
  const after = await clickOn(
    picture,
    { image, mask: { width, height, data: truth }, ignore },
    { clicks: 2 },
  );
  expect(after).toEqual([1, 1]);
});
