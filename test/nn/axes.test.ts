import { cubicAxis, linearAxis } from '../../src/nn/axes';

const rowsOf = (matrix: Float64Array, inputs: number) =>
  Array.from({ length: matrix.length / inputs }, (_, i) => [
    ...matrix.subarray(i * inputs, (i + 1) * inputs),
  ]);

describe.each([
  ['linear', linearAxis],
  ['cubic', cubicAxis],
] as const)('%s axis', (_, axis) => {
  it('leaves an axis of the same length as it is', () => {
    rowsOf(axis(5, 5), 5).forEach((row, i) =>
      row.forEach((weight, j) => expect(weight).toBeCloseTo(i === j ? 1 : 0, 12)),
    );
  });

  it.each([
    [3, 7],
    [7, 3],
    [12, 5],
    [4, 1],
    [1, 4],
  ])('to %i from %i: weights of each output sum to 1', (outputs, inputs) => {
    const rows = rowsOf(axis(outputs, inputs), inputs);
    expect(rows).toHaveLength(outputs);
    for (const row of rows) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  it('mirrors', () => {
    const rows = rowsOf(axis(9, 4), 4);
    rows.forEach((row, i) =>
      row.forEach((weight, j) => expect(weight).toBeCloseTo(rows[8 - i][3 - j], 12)),
    );
  });
});

it('linear: values of torch.nn.functional.interpolate(mode="linear", align_corners=False)', () => {
  // interpolate([0, 1, 2, 3] to 8) = 0, .25, .75, 1.25, 1.75, 2.25, 2.75, 3; to 2: 0.5, 2.5.
  const resize = (outputs: number) =>
    rowsOf(linearAxis(outputs, 4), 4).map((row) => row.reduce((sum, w, i) => sum + w * i, 0));
  expect(resize(8)).toEqual([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]);
  expect(resize(2)).toEqual([0.5, 2.5]);
});

it('cubic: the weights of Keys at a = -0.75 half way between two samples', () => {
  // Doubling puts outputs a quarter of a step from samples: W(1.25), W(0.25), W(0.75), W(1.75) of the formula.
  const row = rowsOf(cubicAxis(16, 8), 8)[7];
  const W = (x: number) =>
    x <= 1 ? 1.25 * x ** 3 - 2.25 * x ** 2 + 1 : -0.75 * x ** 3 + 3.75 * x ** 2 - 6 * x + 3;
  // Output 7 lies at 3.25 in samples.
  [W(1.25), W(0.25), W(0.75), W(1.75)].forEach((weight, i) =>
    expect(row[2 + i]).toBeCloseTo(weight, 12),
  );
  expect(row.filter((weight) => weight !== 0)).toHaveLength(4);
});
