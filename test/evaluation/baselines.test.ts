import { copiedMask, nearestColor } from '../../src/evaluation/baselines';
import { drawn, labels, overlap, scene, squares } from '../helpers/scenes';

describe('the copied mask', () => {
  it("is the prompt's, stretched over the target", () => {
    const mask = labels(squares(['1', 1, 2, 3, 4]));
    const target = scene(squares(), 8);
    const copied = { width: 64, height: 64, data: copiedMask(mask, target) };
    expect(drawn(copied, 8)).toEqual(squares(['1', 1, 2, 3, 4]));
  });

  it('keeps height and width apart', () => {
    const mask = { width: 4, height: 1, data: Uint8Array.of(0, 1, 1, 0) };
    const target = { width: 2, height: 3, data: new Uint8Array(18) };
    expect([...copiedMask(mask, target)]).toEqual([1, 0, 1, 0, 1, 0]);
  });
});

describe('the nearest in colour and position', () => {
  // 40 pixels a side, so that nothing is resized before pixels are compared: a square is 5.
  const [image, mask] = [
    scene(squares(['r', 0, 0, 2, 2], ['r', 6, 6, 2, 2]), 5),
    labels(squares(['1', 0, 0, 2, 2]), 5),
  ];
  const found = (rows: string[], scale = 5) => {
    const target = scene(rows, scale);
    const data = nearestColor({ image, mask }, target);
    return { width: target.width, height: target.height, data };
  };

  it('finds what looks alike, the nearest of several', () => {
    const target = squares(['r', 3, 0, 2, 2], ['r', 5, 5, 2, 2], ['g', 0, 4, 2, 2]);
    expect(drawn(found(target), 5)).toEqual(squares(['1', 3, 0, 2, 2]));
    expect(drawn(found(squares(['r', 0, 3, 2, 2], ['r', 6, 3, 2, 3])), 5)).toEqual(
      squares(['1', 0, 3, 2, 2]),
    );
  });

  it('weighs the whole width like half of black to white', () => {
    // Grey of 100 among black, labelled, and of 0 elsewhere; a target of even 49 is nearer to black in colour by 2,
    // to grey by place where that weighs more: a step is 255 / 2 / 40 = 3.1875.
    const row = (value: (x: number) => number) =>
      Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => value(Math.floor(i / 3) % 40));
    const grey = { width: 40, height: 40, data: row((x) => (x < 20 ? 100 : 0)) };
    const left = {
      width: 40,
      height: 40,
      data: new Uint8Array(1600).map((_, i) => +(i % 40 < 20)),
    };
    const even = { width: 40, height: 40, data: row(() => 49) };
    const rows = nearestColor({ image: grey, mask: left }, even);
    // Right of the seam by n steps: 3 * 51² + (3.1875 n)² against 3 * 49² from n on, which is nearer: all black.
    // Left of it by n: 3 * 51² = 7803 against 3 * 49² + (3.1875 n)² = 7203 + 10.16 n²: grey from n = 8 on.
    expect([...rows.subarray(0, 40)]).toEqual(Array.from({ length: 40 }, (_, x) => +(20 - x >= 8)));
  });

  it('is given at the size of the target', () => {
    const map = found(squares(['r', 1, 1, 2, 2]), 8);
    expect(map).toMatchObject({ width: 64, height: 64 });
    const known = labels(squares(['1', 1, 1, 2, 2]), 8);
    expect(overlap(map.data, known.data)).toBeGreaterThan(0.8);
  });
});
