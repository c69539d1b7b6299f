import { absolutePositionMatrix, relativePositionMatrix } from '../../src/nn/position-tables';

/** `matrix (…, columns)` times a vector. */
function times(matrix: Float32Array, vector: readonly number[]): number[] {
  const columns = vector.length;
  return Array.from({ length: matrix.length / columns }, (_, r) =>
    vector.reduce((sum, value, c) => sum + matrix[r * columns + c] * value, 0),
  );
}

describe('absolutePositionMatrix', () => {
  it('drops the class token and keeps a grid of the pretraining size', () => {
    const table = [100, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    times(absolutePositionMatrix(3, 3, 3), table).forEach((value, i) =>
      expect(value).toBeCloseTo(i + 1, 5),
    );
  });

  it('runs along columns first: a slope down stays a slope down, one to the right one to the right', () => {
    const side = 6;
    const down = [0, ...Array.from({ length: 36 }, (_, i) => Math.floor(i / side))];
    const right = [0, ...Array.from({ length: 36 }, (_, i) => i % side)];
    const [rows, columns] = [12, 18];
    const matrix = absolutePositionMatrix(side, rows, columns);
    const [y, x] = [times(matrix, down), times(matrix, right)];
    // Away from the border this cubic nearly gives a straight line back; only the one with a = -0.5 does wholly.
    for (let r = 4; r < 8; r++) {
      for (let c = 6; c < 12; c++) {
        expect(Math.abs(y[r * columns + c] - ((r + 0.5) / 2 - 0.5))).toBeLessThan(0.06);
        expect(Math.abs(x[r * columns + c] - ((c + 0.5) / 3 - 0.5))).toBeLessThan(0.06);
      }
    }
  });
});

describe('relativePositionMatrix', () => {
  it('looks up query - key + length - 1 where the table fits', () => {
    const length = 4;
    const codes = times(relativePositionMatrix(7, length), [0, 1, 2, 3, 4, 5, 6]);
    for (let query = 0; query < length; query++)
      for (let key = 0; key < length; key++)
        expect(codes[query * length + key]).toBeCloseTo(query - key + 3, 6);
  });

  it('stretches a table of another size linearly, half-pixel centres', () => {
    // 3 entries to 5 distances: at -0.2 → 0, 0.4, 1, 1.6, 2.2 → 2.
    const codes = times(relativePositionMatrix(3, 3), [10, 20, 30]);
    const byDistance = [10, 14, 20, 26, 30];
    for (let query = 0; query < 3; query++)
      for (let key = 0; key < 3; key++)
        expect(codes[query * 3 + key]).toBeCloseTo(byDistance[query - key + 2], 4);
  });
});
