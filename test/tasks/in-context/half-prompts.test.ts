import { gridPrompt, halfPrompt } from '../../../src/tasks/in-context/half-prompts';

const even = (width: number, height: number, level: number, label: number) => ({
  image: { width, height, data: new Uint8Array(width * height * 3).fill(level) },
  mask: { width, height, data: new Uint8Array(width * height).fill(label) },
});
const mapping = {
  labels: [1, 2, 3],
  colors: [[10, 11, 12] as const, [20, 21, 22] as const, [30, 31, 32] as const],
};
/** The first channel, row by row. */
const reds = (half: Uint8Array, width: number) => {
  const all = Array.from({ length: half.length / 3 }, (_, i) => half[i * 3]);
  return Array.from({ length: all.length / width }, (_, y) =>
    all.slice(y * width, (y + 1) * width),
  );
};

it('squeezes picture and mask to a half, the mask by nearest', () => {
  const mask = { width: 4, height: 2, data: Uint8Array.of(0, 0, 1, 1, 2, 2, 0, 0) };
  const half = halfPrompt({ ...even(4, 2, 77, 0), mask }, { height: 4, width: 2 });
  expect([...half.image]).toEqual(Array(24).fill(77));
  expect(reds(half.drawMask(mapping), 2)).toEqual([
    [0, 10],
    [0, 10],
    [20, 0],
    [20, 0],
  ]);
  expect([...half.drawMask(mapping).subarray(3, 6)]).toEqual([10, 11, 12]);
});

it('draws the mask anew in other colours', () => {
  const half = halfPrompt(even(2, 2, 0, 2), { height: 1, width: 1 });
  expect([...half.drawMask(mapping)]).toEqual([20, 21, 22]);
  expect([...half.drawMask({ labels: [2], colors: [[1, 2, 3]] })]).toEqual([1, 2, 3]);
});

it('puts pictures and masks in the same cells of a grid, row by row, the first again in the last', () => {
  const prompts = [even(3, 2, 101, 1), even(5, 5, 102, 2), even(1, 1, 103, 3)];
  const half = gridPrompt(prompts, { height: 4, width: 5 });
  const cells = (a: number, b: number, c: number) => [
    [a, a, a, b, b],
    [a, a, a, b, b],
    [c, c, c, a, a],
    [c, c, c, a, a],
  ];
  expect(reds(half.image, 5)).toEqual(cells(101, 102, 103));
  expect(reds(half.drawMask(mapping), 5)).toEqual(cells(10, 20, 30));
});

it('squeezes each prompt to its cell, not to the half', () => {
  const mask = { width: 2, height: 2, data: Uint8Array.of(1, 0, 0, 2) };
  const prompts = [{ ...even(2, 2, 9, 0), mask }, even(1, 1, 5, 3)];
  const half = gridPrompt(prompts, { height: 4, width: 4 });
  expect(reds(half.drawMask(mapping), 4)).toEqual([
    [10, 0, 30, 30],
    [0, 20, 30, 30],
    [10, 0, 30, 30],
    [0, 20, 30, 30],
  ]);
});

it('squeezes a prompt anew for cells of another size', () => {
  const mask = { width: 6, height: 1, data: Uint8Array.of(1, 1, 1, 2, 2, 2) };
  const prompts = [{ ...even(6, 1, 9, 0), mask }, even(1, 1, 5, 3), even(1, 1, 5, 3)];
  const rows = reds(gridPrompt(prompts, { height: 4, width: 5 }).drawMask(mapping), 5);
  // Cells are 3 and 2 wide; the last shows the first prompt again.
  for (const y of [0, 1]) expect([rows[y][0], rows[y][2]]).toEqual([10, 20]);
  for (const y of [2, 3]) expect(rows[y].slice(3)).toEqual([10, 20]);
});

it('is the prompt itself where there is one', () => {
  const prompt = even(3, 3, 50, 1);
  const size = { height: 2, width: 4 };
  const [grid, half] = [gridPrompt([prompt], size), halfPrompt(prompt, size)];
  expect(grid.image).toEqual(half.image);
  expect(grid.drawMask(mapping)).toEqual(half.drawMask(mapping));
});
