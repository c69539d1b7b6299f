import type { ColorMapping } from '../../../src/colors/color-mapping';
import { mergeFits } from '../../../src/tasks/in-context/passes';
import { refineFits } from '../../../src/tasks/in-context/refine-fits';

const [width, height, patch] = [24, 8, 4];
const mapping: ColorMapping = {
  labels: [1, 2],
  colors: [
    [255, 255, 255],
    [255, 0, 0],
  ],
};
/** White from column 13 on, where the picture changes at column 12; red nowhere. */
const data = Float32Array.from({ length: width * height * 3 }, (_, i) =>
  Math.floor(i / 3) % width >= 13 ? 255 : 0,
);
const half = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
  Math.floor(i / 3) % width >= 12 ? 200 : 30,
);
const plain = mergeFits([{ labels: [1, 2], paintings: [{ width, height, data, mapping }] }]);
let refined: typeof plain;
beforeAll(async () => {
  refined = await refineFits(plain, half, patch);
});

it('moves a border onto the picture’s', () => {
  const inside = ({ planes }: typeof plain) =>
    Array.from(planes[1].subarray(0, width), (fit) => fit > 0.5).indexOf(true);
  expect([inside(plain), inside(refined)]).toEqual([13, 12]);
});

it('keeps fits within 0 … 1, and a label that is nowhere as it was', () => {
  const { planes, labels } = refined;
  expect(labels).toEqual([1, 2]);
  for (const plane of planes)
    expect([Math.min(...plane) >= 0, Math.max(...plane) <= 1]).toEqual([true, true]);
  expect(planes[2]).toEqual(plain.planes[2]);
});
