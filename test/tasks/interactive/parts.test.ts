import { suppress } from '../../../src/tasks/interactive/box-nms';
import { cropsOf, isCutOff, pointGrid } from '../../../src/tasks/interactive/crops';
import { LowMaskReader } from '../../../src/tasks/interactive/low-mask';
import { fitSquare, maskToLogits, pointToSquare } from '../../../src/tasks/interactive/square';
import { linearAxis } from '../../../src/nn/axes';
import { seededRandom } from '../../../src/base/random';

describe('the square', () => {
  it('is filled by the longer side, halves rounded up', () => {
    expect(fitSquare(1500, 1000, 1024)).toMatchObject({ fittedWidth: 1024, fittedHeight: 683 });
    expect(fitSquare(3, 2048, 1024)).toMatchObject({ fittedWidth: 2, fittedHeight: 1024 });
    expect(pointToSquare(750, 500, fitSquare(1500, 1000, 1024))).toEqual([512, 341.5]);
  });

  it('takes masks to the decoder, what is padded outside', () => {
    const fit = fitSquare(8, 4, 32);
    const logits = maskToLogits(new Uint8Array(32).fill(1), fit, 8, 5);
    expect([...logits.subarray(0, 32)]).toEqual(Array(32).fill(5));
    expect([...logits.subarray(32)]).toEqual(Array(32).fill(-5));
  });
});

describe('low-resolution masks', () => {
  /** Plain bilinear twice, every pixel. */
  function plain(logits: Float32Array, cells: number, fit: ReturnType<typeof fitSquare>) {
    const stretch = (m: Float64Array, inputs: number, rows: number[][]) =>
      Array.from({ length: m.length / inputs }, (_, o) =>
        rows[0].map((_v, x) => rows.reduce((sum, row, i) => sum + m[o * inputs + i] * row[x], 0)),
      );
    const turn = (rows: number[][]) => rows[0].map((_, x) => rows.map((row) => row[x]));
    let rows = Array.from({ length: cells }, (_, y) => [
      ...logits.subarray(y * cells, (y + 1) * cells),
    ]);
    rows = stretch(linearAxis(fit.side, cells), cells, rows).slice(0, fit.fittedHeight);
    rows = stretch(linearAxis(fit.height, fit.fittedHeight), fit.fittedHeight, rows);
    rows = turn(rows);
    rows = stretch(linearAxis(fit.side, cells), cells, rows).slice(0, fit.fittedWidth);
    rows = stretch(linearAxis(fit.width, fit.fittedWidth), fit.fittedWidth, rows);
    return turn(rows);
  }

  it.each([
    [40, 25],
    [7, 90],
    [200, 120],
  ])('%d x %d: every pixel as bilinear twice', (width, height) => {
    const random = seededRandom(3);
    const logits = Float32Array.from({ length: 64 }, () => random() * 8 - 4);
    const fit = fitSquare(width, height, 32);
    const reader = new LowMaskReader(fit, 8);
    const expected = plain(logits, 8, fit);
    for (const threshold of [-1, 0, 1.5]) {
      const found = reader.binary(logits, threshold);
      let area = 0;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          if (Math.abs(expected[y][x] - threshold) < 1e-4) continue;
          expect(found[y * width + x]).toBe(expected[y][x] > threshold ? 1 : 0);
          area += found[y * width + x];
        }
      const measured = reader.measure(logits, threshold, 0.5);
      expect(Math.abs(measured.area - area)).toBeLessThanOrEqual(2);
      const flat = expected.flat();
      const count = (level: number) => flat.filter((value) => value > level).length;
      expect(measured.stability).toBeCloseTo(count(threshold + 0.5) / count(threshold - 0.5), 2);
    }
    expect(reader.measure(new Float32Array(64).fill(-9), 0, 1)).toEqual({
      ...{ area: 0, box: [0, 0, 0, 0], stability: 0 },
    });
  });
});

describe('crops', () => {
  // By hand from generate_crop_boxes of segment_anything/utils/amg.py.
  it('of the first layer overlap by a third', () => {
    expect(cropsOf(300, 200, 1, 512 / 1500).map(({ box }) => box)).toEqual([
      [0, 0, 300, 200],
      [0, 0, 184, 134],
      [0, 66, 184, 200],
      [116, 0, 300, 134],
      [116, 66, 300, 200],
    ]);
  });

  it('points lie half a step from the edges', () => {
    expect(pointGrid(2, 100, 40)).toEqual([
      [25, 10],
      [75, 10],
      [25, 30],
      [75, 30],
    ]);
  });

  it('cut off is what ends at an edge of the crop that is none of the picture', () => {
    expect(isCutOff([30, 30, 110, 60], [0, 0, 120, 120], 300, 300)).toBe(true);
    expect(isCutOff([0, 30, 80, 60], [0, 0, 120, 120], 300, 300)).toBe(false);
    expect(isCutOff([30, 30, 99, 60], [0, 0, 120, 120], 300, 300)).toBe(false);
  });
});

it('of boxes that overlap the better stays', () => {
  const boxes = [
    { corners: [0, 0, 10, 10], score: 0.5 },
    { corners: [0, 0, 10, 9], score: 0.9 },
    { corners: [2, 2, 6, 6], score: 0.7 },
  ] as const;
  expect(suppress(boxes, 0.7)).toEqual([boxes[1], boxes[2]]);
  expect(suppress(boxes, 0.9)).toHaveLength(3);
});
