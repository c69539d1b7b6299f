import { fitOf, logitOf } from '../../../src/colors/logits';
import { joinContext } from '../../../src/tasks/in-context/join-context';

const [width, height] = [4, 2];
const plane = (...values: number[]) =>
  Float32Array.from({ length: 8 }, (_, i) => values[i % values.length]);

it('takes the mean of logits, label by label, and the background is what is left', () => {
  const fits = { width, height, labels: [7, 3], planes: [plane(0.1), plane(0.8), plane(0.3)] };
  const context = { size: 4, planes: [], presence: [] };
  const square = {
    ...fits,
    height: 4,
    planes: fits.planes.map(([fit]) => new Float32Array(16).fill(fit)),
  };
  // The context's labels come in another order than the painting's.
  const planes = [new Float32Array(16).fill(2), new Float32Array(16).fill(-20)];
  const joined = joinContext(square, { ...context, planes }, [3, 7]);
  expect(joined.labels).toEqual([7, 3]);
  const [background, seven, three] = joined.planes.map(([fit]) => fit);
  expect(seven).toBeCloseTo(fitOf((logitOf(0.8) - 8) / 2), 6);
  expect(three).toBeCloseTo(fitOf((logitOf(0.3) + 2) / 2), 6);
  expect(background).toBeCloseTo(1 - three, 6);
});

it('brings the decoder’s masks to the size of the painting', () => {
  const fits = {
    width: 4,
    height: 4,
    labels: [1],
    planes: [new Float32Array(16), new Float32Array(16).fill(0.5)],
  };
  const data = Float32Array.from([-6, 6, -6, 6]); // two columns
  const { planes } = joinContext(fits, { size: 2, planes: [data], presence: [0] }, [1]);
  expect(Array.from(planes[1].subarray(0, 4), (fit) => fit > 0.5)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
