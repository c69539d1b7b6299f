import { join } from 'node:path';
import sharp from 'sharp';
import { InContextSegmenter } from '../../../src';
import { readPrompts } from '../../../src/tasks/in-context/prompts';
import { largestDifference, tinyModel } from '../../helpers/reference';

jest.setTimeout(60_000);

const official = join(__dirname, '..', '..', 'fixtures', 'official-painting');
const file = (name: string) => join(official, name);
const pixels = async (name: string) => sharp(file(name)).removeAlpha().raw().toBuffer();
const prompt = { image: file('prompt.png'), mask: file('mask.png') };

describe('painting in the masks’ own colours', () => {
  let segmenter: InContextSegmenter;
  beforeAll(async () => {
    segmenter = await InContextSegmenter.load(tinyModel, { backend: 'wasm', precision: 'f32' });
  });
  afterAll(() => segmenter.dispose());

  it('gives what the official procedure gives, to one level', async () => {
    const options = { colors: 'mask', upsampling: 'nearest' } as const;
    const result = await segmenter.segment([prompt], file('target.png'), options);
    const [painted] = result.modelPaintings;
    expect(largestDifference(painted.data, await pixels('painted.png'))).toBeLessThan(1);
    expect(largestDifference(result.painting.data, await pixels('painting.png'))).toBeLessThan(2);
    // The mask has two colours with soft edges, which are the labels' and are read back.
    expect(painted.mapping.colors).toEqual([
      [250, 200, 40],
      [30, 90, 220],
    ]);
    expect(result.masks.map(({ name }) => name)).toEqual(['#fac828', '#1e5adc']);
    // Labels in other colours are painted otherwise, so this can fail.
    const other = await segmenter.segment([prompt], file('target.png'), { seed: 3 });
    expect(
      largestDifference(other.modelPaintings[0].data, await pixels('painted.png')),
    ).toBeGreaterThan(3);
  });

  it('paints all labels at once, whatever labelsPerPass says', async () => {
    const options = { colors: 'mask', labelsPerPass: 1 } as const;
    const { modelPaintings } = await segmenter.segment([prompt], file('target.png'), options);
    expect(modelPaintings).toHaveLength(1);
  });

  it('tracks in them', async () => {
    const frames = [file('target.png'), file('prompt.png')];
    const options = { colors: 'mask', memory: 1 } as const;
    for await (const { result } of segmenter.track([prompt], frames, options))
      expect(result!.modelPaintings[0].mapping.colors[0]).toEqual([250, 200, 40]);
  });

  it('refuses colours that cannot be told apart', async () => {
    const image = { width: 2, height: 1, channels: 3, data: new Uint8Array(6) } as const;
    const mask = (...data: number[]) => [
      { image, mask: { width: 2, height: 1, channels: 1, data: Uint8Array.from(data) } as const },
    ];
    const target = file('target.png');
    for (const labels of [mask(0, 1), mask(200, 205)])
      await expect(segmenter.segment(labels, target, { colors: 'mask' })).rejects.toThrow(
        /colors: "mask" paints in the masks' own colours, of which some are too near/,
      );
    await segmenter.segment(mask(0, 255), target, { colors: 'mask' });
    const drawn = [
      { label: 3, width: 2, height: 1, polygons: [[0, 0, 1, 0, 1, 1, 0, 1]] },
      { label: 4, width: 2, height: 1, polygons: [[1, 0, 2, 0, 2, 1, 1, 1]] },
    ];
    await expect(
      segmenter.segment([{ image, mask: drawn }], target, { colors: 'mask' }),
    ).rejects.toThrow(/has no colours of its own, and the prompts show 2 labels/);
    await segmenter.segment([{ image, mask: drawn.slice(0, 1) }], target, { colors: 'mask' });
  });
});

describe('a mask as it is seen', () => {
  const seen = async (mask: unknown, size: [number, number]) => {
    const [width, height] = size;
    const image = { width, height, channels: 3 as const, data: new Uint8Array(width * height * 3) };
    const { prompts } = await readPrompts([{ image, mask: mask as string }], { colors: 'mask' });
    return [...prompts[0].colors!];
  };

  it('is grey, coloured or of its palette; transparent and void are black', async () => {
    const raw = (channels: 1 | 3 | 4, ...data: number[]) =>
      ({ width: 2, height: 1, channels, data: Uint8Array.from(data) }) as const;
    expect(await seen(raw(1, 0, 90), [2, 1])).toEqual([0, 0, 0, 90, 90, 90]);
    expect(await seen(raw(3, 1, 2, 3, 0, 0, 0), [2, 1])).toEqual([1, 2, 3, 0, 0, 0]);
    expect(await seen(raw(4, 9, 9, 9, 0, 7, 8, 9, 255), [2, 1])).toEqual([0, 0, 0, 7, 8, 9]);
    expect(await seen(raw(1, 255, 0), [2, 1])).toEqual([255, 255, 255, 0, 0, 0]);
    const ignoring = await readPrompts([{ image: raw(3, 0, 0, 0, 0, 0, 0), mask: raw(1, 7, 90) }], {
      colors: 'mask',
      ignore: 7,
    });
    expect([...ignoring.prompts[0].colors!]).toEqual([0, 0, 0, 90, 90, 90]);
    const palette = join(__dirname, '..', '..', 'fixtures', 'masks', 'mixed-mask-kinds');
    const ofFile = async (name: string) => {
      const { data, info } = await sharp(join(palette, name))
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { data: [...data], size: [info.width, info.height] as [number, number] };
    };
    for (const name of ['mask-palette-1-15.png', 'mask-same-colours-rgb.png', 'mask-0-255.png']) {
      const { data, size } = await ofFile(name);
      expect(await seen(join(palette, name), size)).toEqual(data);
    }
  });

  it('is kept only where it is asked for', async () => {
    const { prompts, ownColors } = await readPrompts([prompt]);
    expect([prompts[0].colors, ownColors]).toEqual([undefined, undefined]);
  });
});
