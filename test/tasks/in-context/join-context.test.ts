import { fitOf, logitOf } from '../../../src/colors/logits';
import type { ContextReading } from '../../../src/tasks/in-context/context-session';
import { joinContext, mixContext } from '../../../src/tasks/in-context/join-context';

const square = (fit: number) => new Float32Array(16).fill(fit);
const size = 4;

it('mixes logits, label by label, and the background is what is left', () => {
  const fits = {
    ...{ width: size, height: size, labels: [7, 3] },
    planes: [0.1, 0.8, 0.3].map(square),
  };
  // The context's labels come in another order than the painting's.
  const context = { size, planes: [square(2), square(-20)], presence: [] };
  const mixed = mixContext(fits, context, [3, 7], [0.5, 0.25]);
  expect(mixed.labels).toEqual([7, 3]);
  const [background, seven, three] = mixed.planes.map(([fit]) => fit);
  expect(seven).toBeCloseTo(fitOf(0.25 * logitOf(0.8) - 0.75 * 8), 6);
  expect(three).toBeCloseTo(fitOf((logitOf(0.3) + 2) / 2), 6);
  expect(background).toBeCloseTo(1 - three, 6);
});

it('brings the decoder’s masks to the size of the painting', () => {
  const fits = { width: 4, height: 4, labels: [1], planes: [square(0), square(0.5)] };
  const data = Float32Array.from([-6, 6, -6, 6]); // two columns
  const { planes } = mixContext(fits, { size: 2, planes: [data], presence: [0] }, [1], [0.5]);
  expect(Array.from(planes[1].subarray(0, 4), (fit) => fit > 0.5)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

it('follows the more consistent one, and ends with what is read of both', async () => {
  const fits = {
    ...{ width: size, height: size, labels: [7, 3, 5] },
    planes: [0, 0.9, 0.9, 0.9].map(square),
  };
  const asked: number[][] = [];
  let shown: number[] = [];
  const reading = {
    size,
    planes: [-3, -3, -3].map(square),
    consistency: ([painted, read]: readonly (readonly Float32Array[])[]) => {
      if (!read) return Promise.resolve([painted.map(([fit]) => (fit > 0.5 ? 0.8 : 0.4))]);
      asked.push(...[painted, read].map((planes) => planes.map(([fit]) => fit)));
      return Promise.resolve([
        [0.8, 0.1, 0],
        [0.4, 0.8, 0],
      ]);
    },
    again: (masks: readonly Float32Array[]) => {
      shown = masks.map(([fit]) => logitOf(fit));
      return Promise.resolve({ size, planes: [1, -1, 0.5].map(square), presence: [0, 0, 0] });
    },
  } as unknown as ContextReading;
  const joined = await joinContext(fits, reading, [3, 5, 7]);
  const [painted, read] = [logitOf(0.9), -3];
  expect(asked[0].map((fit) => logitOf(fit))).toEqual(
    [painted, painted, painted].map((logit) => expect.closeTo(logit, 4)),
  );
  expect(asked[1]).toEqual([read, read, read].map((logit) => expect.closeTo(fitOf(logit), 6)));
  const share = 0.8 ** 4 / (0.8 ** 4 + 0.4 ** 4);
  expect(shown[0]).toBeCloseTo(share * painted + (1 - share) * read, 4);
  expect(shown[1]).toBeLessThan(-2.9);
  expect(shown[2]).toBeCloseTo((painted + read) / 2, 4); // neither is consistent
  // Label 7 is the second model's, as the painting brought nothing back; of label 3 both did alike; of label 5 neither much.
  const last = (0.1 / 0.4) ** 8 / ((0.1 / 0.4) ** 8 + 1);
  expect(joined.planes.slice(1).map(([fit]) => logitOf(fit))).toEqual(
    [0.5, (painted + 1) / 2, last * painted - (1 - last)].map((logit) => expect.closeTo(logit, 4)),
  );
});
