import { randomColors } from '../../src/colors/color-mapping';
import { overlay } from '../../src/masks/overlay';

const grey = (width: number, height: number, level: number) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(level),
});
const map = (width: number, height: number, ...data: number[]) => ({
  width,
  height,
  data: Uint8Array.from(data),
});
const pixels = ({ data }: { data: Uint8Array }) =>
  Array.from({ length: data.length / 3 }, (_, i) => [...data.subarray(i * 3, i * 3 + 3)]);

it('covers labels with their colours and leaves the background', () => {
  const picture = overlay(grey(3, 1, 100), map(3, 1, 0, 1, 2), {
    outline: false,
    opacity: 0.25,
    colors: { 1: [200, 0, 100], 2: [0, 20, 255] },
  });
  expect(picture).toMatchObject({ width: 3, height: 1 });
  // 100 * 0.75 + colour * 0.25, rounded
  expect(pixels(picture)).toEqual([
    [100, 100, 100],
    [125, 75, 100],
    [75, 80, 139],
  ]);
});

it('covers a little more than half where nothing is said', () => {
  // 100 * 0.45 + 200 * 0.55 = 155, 100 * 0.45 = 45
  const picture = overlay(grey(1, 1, 100), map(1, 1, 5), { colors: { 5: [200, 100, 0] } });
  expect(pixels(picture)).toEqual([[155, 100, 45]]);
});

it('reads the picture channel by channel', () => {
  const image = { width: 1, height: 1, data: Uint8Array.of(10, 110, 210) };
  const picture = overlay(image, map(1, 1, 1), { opacity: 0.5, colors: { 1: [0, 0, 0] } });
  expect(pixels(picture)).toEqual([[5, 55, 105]]);
  expect([...image.data]).toEqual([10, 110, 210]);
});

it('draws a white line on the upper left side of every change', () => {
  // 4 x 3: the line is where the right or the lower neighbour has another label.
  const labels = [0, 0, 0, 0, 0, 1, 2, 0, 0, 1, 2, 0];
  const edges = [0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0];
  const picture = overlay(grey(4, 3, 0), map(4, 3, ...labels), {
    opacity: 1,
    colors: { 1: [1, 1, 1], 2: [2, 2, 2] },
  });
  // Black under 0.9 of white is 229.5.
  expect(pixels(picture).map(([red]) => red)).toEqual(
    edges.map((edge, i) => (edge ? 230 : labels[i])),
  );
});

it('draws no line at the right and lower border, nor from one row to the next', () => {
  const rows = overlay(grey(2, 2, 0), map(2, 2, 0, 1, 0, 1), {
    opacity: 1,
    colors: { 1: [7, 8, 9] },
  });
  expect(pixels(rows)).toEqual([
    [230, 230, 230],
    [7, 8, 9],
    [230, 230, 230],
    [7, 8, 9],
  ]);
  const columns = overlay(grey(2, 2, 0), map(2, 2, 0, 0, 3, 3), {
    opacity: 1,
    colors: { 3: [7, 8, 9] },
  });
  expect(pixels(columns)).toEqual([
    [230, 230, 230],
    [230, 230, 230],
    [7, 8, 9],
    [7, 8, 9],
  ]);
});

it('draws the line over a light and a dark picture alike', () => {
  const picture = overlay(grey(2, 1, 200), map(2, 1, 1, 0));
  expect(pixels(picture)).toEqual([
    [250, 250, 250], // 200 * 0.1 + 255 * 0.9 = 249.5
    [200, 200, 200],
  ]);
});

it('has a colour of its own for each of 255 labels, the same in every call', () => {
  const all = map(255, 1, ...Array.from({ length: 255 }, (_, i) => i + 1));
  const paint = () => pixels(overlay(grey(255, 1, 9), all, { opacity: 1, outline: false }));
  const painted = paint();
  expect(paint()).toEqual(painted);
  expect(painted[0]).toEqual([230, 57, 70]);
  expect(painted[1]).toEqual([29, 143, 255]);
  expect(painted[7]).toEqual([131, 197, 46]);
  expect(painted.slice(8)).toEqual(randomColors(247, 1));
});

it('takes given colours for some labels and its own for the rest', () => {
  const picture = overlay(grey(2, 1, 0), map(2, 1, 1, 2), {
    opacity: 1,
    outline: false,
    colors: { 1: [1, 2, 3] },
  });
  expect(pixels(picture)).toEqual([
    [1, 2, 3],
    [29, 143, 255],
  ]);
});
