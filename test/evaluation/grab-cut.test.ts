import { regionSimilarity } from '../../src/evaluation/davis';
import { type GrabCut, loadGrabCut } from '../../src/evaluation/grab-cut';
import type { RgbImage } from '../../src/images/rgb-image';

const [width, height] = [90, 60];
const inside = (x: number, y: number) => x >= 30 && x < 60 && y >= 15 && y < 45;

/** 1 where `test` holds. */
function maskOf(test: (x: number, y: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) =>
    Number(test(i % width, Math.floor(i / width))),
  );
}
const thing = maskOf(inside);
/** A reddish square on blue, both with a little texture. */
const picture: RgbImage = {
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const texture = (i * 7919) % 13;
    return (i % 3 === (thing[Math.floor(i / 3)] ? 0 : 2) ? 190 : 40) + texture;
  }),
};

describe('GrabCut', () => {
  let grabCut: GrabCut;
  beforeAll(async () => {
    grabCut = await loadGrabCut();
  });

  it('finds what the guess only overlaps', () => {
    const guess = maskOf((x, y) => inside(x - 8, y + 6));
    expect(regionSimilarity(guess, thing)).toBeLessThan(0.45);
    const found = grabCut(guess, picture);
    expect(found).toHaveLength(thing.length);
    expect(regionSimilarity(found, thing)).toBeGreaterThan(0.95);
    expect(grabCut(guess, picture)).toEqual(found);
  });

  it.each([
    ['empty', () => false],
    ['full', () => true],
    ['a single pixel', (x: number, y: number) => x === 40 && y === 30],
  ])('takes a guess that is %s', (_, test) => {
    const found = grabCut(maskOf(test), picture);
    expect(found).toHaveLength(thing.length);
    expect(found.every((each) => each === 0 || each === 1)).toBe(true);
  });

  it('names the package that is missing', async () => {
    jest.resetModules();
    jest.doMock('@opencvjs/node', () => {
      throw new Error("Cannot find module '@opencvjs/node'");
    });
    await expect(loadGrabCut()).rejects.toMatchObject({
      name: 'BackendError',
      message: expect.stringContaining('npm install @opencvjs/node'),
    });
    jest.dontMock('@opencvjs/node');
  });
});
