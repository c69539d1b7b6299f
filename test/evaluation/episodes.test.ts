import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/base/random';
import {
  differentPictures,
  type Labelled,
  readPictures,
  twoViews,
} from '../../src/evaluation/episodes';
import { encode } from '../helpers/picture';

/** A picture whose red is its label and whose green and blue are its place: they must stay together. */
function labelled(
  width: number,
  height: number,
  labelAt: (x: number, y: number) => number,
): Labelled {
  const labels = new Uint8Array(width * height);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      labels[y * width + x] = labelAt(x, y);
      data.set([labelAt(x, y), x, y], (y * width + x) * 3);
    }
  }
  return { image: { width, height, data }, labels: { width, height, data: labels } };
}
const even = (label: number, size = 10) => labelled(size, size, () => label);

/** Random numbers as scripted; it fails where more are drawn. */
function script(...numbers: number[]) {
  return () => {
    const next = numbers.shift();
    if (next === undefined) throw new Error('no number left');
    return next;
  };
}
const places = ({ data }: { data: Uint8Array }) =>
  Array.from({ length: data.length / 3 }, (_, i) => [data[i * 3 + 1], data[i * 3 + 2]]);

describe('two views', () => {
  const picture = labelled(10, 8, (x, y) => (x < 3 ? 0 : y < 4 ? 7 : 9));

  it('are crops where the numbers say, one flipped and one not', () => {
    const episode = twoViews(
      [even(1), picture],
      // The second picture. Scale 0.7 + 0.3 / 3 = 0.8: 8 x 6 at (1, 1), not flipped.
      script(0.5, 1 / 3, 0.5, 0.5, 0.5, ...[0, 0.7, 0.4, 0.4999], 0.99),
    );
    // Of scale 0.7: 7 x 6 at (floor(0.7 * 3), floor(0.4 * 2)) = (2, 0), flipped.
    const [prompt] = episode!.prompts;
    const target = episode!.target;
    expect(episode!.prompts).toHaveLength(1);
    expect(prompt.image).toMatchObject({ width: 8, height: 6 });
    expect(target.image).toMatchObject({ width: 7, height: 6 });
    expect(places(prompt.image)).toEqual(
      Array.from({ length: 48 }, (_, i) => [1 + (i % 8), 1 + Math.floor(i / 8)]),
    );
    expect(places(target.image)).toEqual(
      Array.from({ length: 42 }, (_, i) => [8 - (i % 7), Math.floor(i / 7)]),
    );
    // 0.99 takes the last shared label, 9: its mask goes with the picture.
    for (const { image, mask, ignore } of [prompt, target]) {
      expect(mask).toMatchObject({ width: image.width, height: image.height });
      expect([...mask.data]).toEqual(places(image).map(([x, y]) => Number(x >= 3 && y >= 4)));
      expect([...ignore]).toEqual(places(image).map(() => 0));
    }
  });

  it('ask for a label that both show', () => {
    // 7 above and 9 below in turn: crops of 7 of 10 rows at the top and at the bottom.
    const stripes = labelled(10, 10, (_x, y) => (y < 3 ? 7 : y < 7 ? 5 : 9));
    const views = (pick: number) =>
      twoViews([stripes], script(0, ...[0, 0, 0, 0.9], ...[0, 0, 0.99, 0.9], pick))!;
    // The prompt has rows 0 … 6, the target rows floor(0.99 * 3) = 2 … 8.
    const shown = ({ image, mask }: ReturnType<typeof views>['target']) =>
      new Set(
        places(image)
          .filter((_, i) => mask.data[i])
          .map(([, y]) => y),
      );
    expect(shown(views(0).prompts[0])).toEqual(new Set([3, 4, 5, 6]));
    expect(shown(views(0).target)).toEqual(new Set([3, 4, 5, 6]));
    expect(shown(views(0.7).prompts[0])).toEqual(new Set([0, 1, 2]));
    expect(shown(views(0.7).target)).toEqual(new Set([2]));
  });

  it('never ask for a label that one of them lacks', () => {
    // Rows 0 … 6 show 7 and 5, rows 2 … 8 show 5 and 9.
    const stripes = labelled(10, 10, (_x, y) => (y < 2 ? 7 : y < 8 ? 5 : 9));
    for (const pick of [0, 0.99]) {
      const { prompts, target } = twoViews(
        [stripes],
        script(0, ...[0, 0, 0, 0.9], ...[0, 0, 0.99, 0.9], pick),
      )!;
      expect(prompts[0].mask.data.filter(Boolean)).toHaveLength(5 * 7);
      expect(target.mask.data.filter(Boolean)).toHaveLength(6 * 7);
    }
  });

  it('are of 0.7 to 1 of the picture a side', () => {
    const sizes = [0, 1 / 3, 2 / 3, 1].map((share) => {
      const { target } = twoViews([even(1, 100)], script(0, 0, 0, 0, 0, share, 0, 0, 0, 0))!;
      return [target.image.width, target.image.height];
    });
    expect(sizes).toEqual([
      [70, 70],
      [80, 80],
      [90, 90],
      [100, 100],
    ]);
  });

  it('are tried 20 times, each with new numbers, before they are given up', () => {
    const nothing = Array.from({ length: 20 }, () => [0, ...[0, 0, 0, 0], ...[0, 0, 0, 0]]).flat();
    expect(twoViews([even(0)], script(...nothing))).toBeNull();
    expect(() => twoViews([even(0)], script(...nothing.slice(1)))).toThrow('no number left');
    const late = [...nothing.slice(9), 0.99, ...[0, 0, 0, 0], ...[0, 0, 0, 0], 0];
    expect(twoViews([even(0), even(3)], script(...late))!.target.mask.data).toEqual(
      new Uint8Array(49).fill(1),
    );
  });

  it('lie inside the picture, whatever the numbers', () => {
    const random = seededRandom(4);
    for (let i = 0; i < 200; i++) {
      const { prompts, target } = twoViews([picture], random)!;
      for (const { image, mask } of [prompts[0], target]) {
        expect(image.width / 10).toBeCloseTo(image.height / 8, 0);
        expect(image.width).toBeGreaterThanOrEqual(7);
        expect(image.height).toBeGreaterThanOrEqual(6);
        expect(image.data).toHaveLength(image.width * image.height * 3);
        expect(mask.data).toHaveLength(image.width * image.height);
        expect(mask.data).toContain(1);
      }
    }
  });
});

describe('different pictures', () => {
  const draw = (pictures: Labelled[], shots = 1, episodes = 1, random = () => 0) =>
    differentPictures(pictures, { shots, episodes }, random);

  it('are asked for each label in order that enough of them show', () => {
    const pictures = [even(4), even(2), even(4), even(2), even(2), even(9)];
    const labels = (shots: number) =>
      draw(pictures, shots).map(({ target }) => target.image.data[0]);
    expect(labels(1)).toEqual([2, 4]);
    expect(labels(2)).toEqual([2]);
    expect(labels(3)).toEqual([]);
  });

  it('have no picture twice in one episode, the target drawn first', () => {
    const pictures = [even(1), even(1), even(1)];
    const [episode] = draw(pictures, 2, 1, script(0.5, 0.5, 0.99));
    // The second of three, then the second of the two left, then the last.
    expect(episode.target.image).toBe(pictures[1].image);
    expect(episode.prompts.map(({ image }) => image)).toEqual([
      pictures[2].image,
      pictures[0].image,
    ]);
    expect(episode.prompts[0].image).toBe(pictures[2].image);
    expect(episode.prompts[1].image).toBe(pictures[0].image);
  });

  it('are drawn from all anew for each episode', () => {
    const pictures = [even(1), even(1)];
    const drawn = draw(pictures, 1, 3, script(0, 0, 0.9, 0, 0, 0));
    expect(
      drawn.map(({ target }) => pictures.findIndex(({ image }) => image === target.image)),
    ).toEqual([0, 1, 0]);
    expect(drawn).toHaveLength(3);
  });

  it('show a label if it covers half a percent, and 255 and 0 are none', () => {
    // 20 x 20: two pixels are half a percent.
    const small = (count: number, label: number) =>
      labelled(20, 20, (x, y) => (y * 20 + x < count ? label : 0));
    const labels = (...pictures: Labelled[]) =>
      draw(pictures).map(({ target }) => target.image.data[0]);
    expect(labels(small(2, 3), small(2, 3))).toEqual([3]);
    expect(labels(small(2, 3), small(1, 3))).toEqual([]);
    expect(labels(small(400, 255), small(400, 255))).toEqual([]);
    expect(labels(small(400, 254), small(400, 254))).toEqual([254]);
    expect(labels(small(0, 1), small(0, 1))).toEqual([]);
    expect(labels(small(400, 1), small(400, 1))).toEqual([1]);
  });

  it('mark the label, and what is to be left out', () => {
    const row = (...labels: number[]) => labelled(labels.length, 1, (x) => labels[x]);
    const [episode] = draw([row(5, 0, 255, 3, 5), row(5, 255, 5, 0, 0)]);
    expect([...episode.target.mask.data]).toEqual([1, 0, 0, 0, 1]);
    expect([...episode.target.ignore]).toEqual([0, 0, 1, 0, 0]);
    expect([...episode.prompts[0].mask.data]).toEqual([1, 0, 1, 0, 0]);
    expect([...episode.prompts[0].ignore]).toEqual([0, 1, 0, 0, 0]);
    expect(episode.target.mask).toMatchObject({ width: 5, height: 1 });
  });
});

it('reads the pictures of a folder that have labels, in the order of their names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'episodes-'));
  try {
    const save = async (name: string, label: number, width: number) => {
      const rgb = new Uint8Array(width * 4 * 3).fill(label);
      await writeFile(join(folder, name), await encode('jpeg', rgb, width, 4));
    };
    const mark = async (name: string, label: number, width: number) =>
      writeFile(
        join(folder, name),
        await encode('png', new Uint8Array(width * 4).fill(label), width, 4, 1),
      );
    await save('b.jpg', 90, 6);
    await mark('b.png', 2, 6);
    await save('a.JPEG', 50, 5);
    await mark('a.png', 1, 5);
    await save('unlabelled.jpg', 10, 7);
    await mark('alone.png', 3, 8);
    const pictures = await readPictures(folder);
    expect(pictures.map(({ labels }) => [labels.width, labels.data[0]])).toEqual([
      [5, 1],
      [6, 2],
    ]);
    expect(pictures.map(({ image }) => [image.width, image.height])).toEqual([
      [5, 4],
      [6, 4],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
