/** Soft edges are joined; labels never are. */
import fc from 'fast-check';
import sharp from 'sharp';
import { seededRandom } from '../../src/base/random';
import { readMarkedPixels } from '../../src/masks/mask-reading';
import { readMask } from '../../src/masks/read-mask';
import { fixture } from '../helpers/fixture';
import { encode } from '../helpers/picture';

const options = { argument: 'mask', limits: { maxPixels: 100_000_000 } };
const [width, height] = [200, 150];

interface Shape {
  readonly label: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly stretch: number;
  readonly isBox: boolean;
}

/** Boxes and ellipses, each over those before it, in fractions of the picture. */
const shapes = (labels: number) =>
  fc.array(
    fc.record({
      label: fc.integer({ min: 1, max: labels }),
      x: fc.double({ min: 0, max: 1, noNaN: true }),
      y: fc.double({ min: 0, max: 1, noNaN: true }),
      radius: fc.double({ min: 0.1, max: 0.3, noNaN: true }),
      stretch: fc.double({ min: 0.6, max: 1.6, noNaN: true }),
      isBox: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );

function draw(all: readonly Shape[]): Uint8Array {
  const labels = new Uint8Array(width * height);
  for (let i = 0; i < labels.length; i++) {
    for (const { label, x, y, radius, stretch, isBox } of all) {
      const dx = ((i % width) - x * width) / stretch / height;
      const dy = Math.floor(i / width) / height - y;
      const inside = isBox
        ? Math.abs(dx) < radius && Math.abs(dy) < radius
        : Math.hypot(dx, dy) < radius;
      if (inside) labels[i] = label;
    }
  }
  return labels;
}

type Rgb = readonly [number, number, number];
const black: Rgb = [0, 0, 0];
const palettes: Readonly<Record<string, readonly Rgb[]>> = {
  'white on black': [black, [255, 255, 255]],
  'pure colours': [black, [255, 0, 0], [0, 255, 0], [0, 0, 255]],
  'drawing colours': [black, [230, 57, 70], [29, 143, 255], [255, 183, 3]],
  'levels of grey': [black, [60, 60, 60], [120, 120, 120], [180, 180, 180]],
};

/** Share of pixels whose colour is not the one of their label, and how many colours there are. */
async function compare(file: Buffer, labels: Uint8Array, colors: readonly Rgb[], size: Size) {
  const { marks } = await readMarkedPixels(file, options);
  if (marks.kind !== 'colors') throw new Error('colours were drawn');
  const truth = await sharp(labels, { raw: { width, height, channels: 1 } })
    .resize(...size, { kernel: 'nearest', fit: 'fill' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  const near = (found: number, [r, g, b]: Rgb) =>
    Math.hypot((found >> 16) - r, ((found >> 8) & 255) - g, (found & 255) - b) < 12;
  let wrong = 0;
  for (let i = 0; i < truth.length; i++) if (!near(marks.colors[i], colors[truth[i]])) wrong++;
  return { wrong: wrong / truth.length, colors: new Set(marks.colors).size };
}
type Size = readonly [width: number, height: number];

/** Labels of which enough is seen: whatever is seen by a few pixels alone cannot come back. */
const allSeen = (labels: Uint8Array) => {
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]++;
  return counts.every((count) => count === 0 || count > 400);
};

const paint = (labels: Uint8Array, colors: readonly Rgb[]) => {
  const data = Uint8Array.from(labels).reduce<number[]>(
    (all, l) => (all.push(...colors[l]), all),
    [],
  );
  return sharp(Uint8Array.from(data), { raw: { width, height, channels: 3 } });
};

describe.each(Object.entries(palettes))('%s', (_, colors) => {
  const drawn = shapes(colors.length - 1)
    .map(draw)
    .filter(allSeen);
  it.each<[string, Size, 'cubic' | 'lanczos3' | 'mitchell']>([
    ['half', [100, 75], 'cubic'],
    ['three quarters', [150, 112], 'lanczos3'],
    ['three times', [600, 450], 'mitchell'],
  ])('come back when resized to %s', async (_name, size, kernel) => {
    await fc.assert(
      fc.asyncProperty(drawn, async (labels) => {
        const file = await paint(labels, colors)
          .resize(...size, { kernel, fit: 'fill' })
          .png()
          .toBuffer();
        const found = await compare(file, labels, colors, size).catch((error: Error) => error);
        // What is not clear may be refused, but not misread.
        if (found instanceof Error) return expect(found.message).toContain('not clear');
        expect(found.colors).toBe(new Set(labels).size);
        expect(found.wrong).toBeLessThan(0.04);
      }),
      { numRuns: 8, seed: 1 },
    );
  });

  it.each([95, 80, 60])('come back from JPEG of quality %i', async (quality) => {
    await fc.assert(
      fc.asyncProperty(drawn, async (labels) => {
        const file = await paint(labels, colors).jpeg({ quality }).toBuffer();
        const found = await compare(file, labels, colors, [width, height]).catch((e: Error) => e);
        if (found instanceof Error) return expect(found.message).toContain('not clear');
        expect(found.colors).toBe(new Set(labels).size);
        expect(found.wrong).toBeLessThan(0.06);
      }),
      { numRuns: 8, seed: 1 },
    );
  });
});

describe('keeps label maps exactly as they are', () => {
  const kept = async (labels: Uint8Array) => {
    const file = await encode('png', labels, width, height, 1);
    const { data } = await readMask(file, { ...options, ignore: 0 });
    expect(Buffer.compare(data, labels)).toBe(0);
  };
  it('of many adjacent labels', async () => {
    await fc.assert(fc.asyncProperty(shapes(20).map(draw), kept), { numRuns: 40 });
  });
  // Labels may be such, and lie such, that nobody could tell them from blends (3 along the border of 29 on 0): those are refused.
  it('of any labels, or says that they are not clear', async () => {
    const any = fc
      .tuple(
        shapes(12),
        fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 12, maxLength: 12 }),
      )
      .map(([all, numbers]) => draw(all).map((label) => (label === 0 ? 0 : numbers[label - 1])));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(any, (labels) =>
        kept(labels).catch((error: Error) => {
          if (!error.message.includes('not clear')) throw error;
          refused++;
        }),
      ),
      { numRuns: 40 },
    );
    expect(refused).toBeLessThan(4); // 1 in 270
  });
  // Boxes of 168 and 101 show by a rim alone beside one of 241 that lies over them; on one side that one touches 0.
  it('of rims between others, or says that they are not clear', async () => {
    const labels = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      if (Math.abs(x - 60) < 15 && Math.abs(y - 60) < 15) return 241;
      if (Math.abs(x - 61) < 15 && Math.abs(y - 60) < 16) return 168;
      return x > 60 && x < 63 && y === 76 ? 101 : 0;
    });
    await expect(kept(labels)).rejects.toThrow('not clear');
  });
  it('of many small objects that touch', async () => {
    const random = seededRandom(3);
    for (const [cell, most] of [
      [3, 254],
      [5, 250],
      [2, 100],
      [9, 254],
    ]) {
      const numbers = Array.from({ length: 6000 }, () => 1 + Math.floor(random() * most));
      const labels = Uint8Array.from({ length: width * height }, (_, i) => {
        const [x, y] = [Math.floor((i % width) / cell), Math.floor(i / width / cell)];
        return y % 3 === 0 ? 0 : numbers[y * 70 + x];
      });
      await kept(labels);
    }
  });
  it('of noise', async () => {
    const random = seededRandom(4);
    for (const most of [1, 3, 20, 254])
      await kept(
        Uint8Array.from({ length: width * height }, () => Math.floor(random() * (most + 1))),
      );
  });
  it('with thin objects of labels between others', async () => {
    const labels = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      if (x > 100) return 200;
      return y % 10 === 0 && x % 40 > 4 ? 20 + y : 0;
    });
    await kept(labels);
  });
});

describe('field cases', () => {
  const labelsOf = async (name: string) => {
    const { data } = await readMask(fixture(`masks/${name}`), options);
    return { labels: [...new Set(data)].sort(), data };
  };
  it.each([
    'antialiased-mask/mask-grey.png',
    'antialiased-mask/mask-rgb.png',
    'jpeg-mask-tolerance/mask-q40.jpg',
    'jpeg-mask-tolerance/mask-q75.jpg',
    'jpeg-mask-tolerance/mask-q95.jpg',
  ])('%s is one object', async (name) => {
    const hard = await labelsOf('antialiased-mask/mask-hard.png');
    const { labels, data } = await labelsOf(name);
    expect(labels).toEqual([0, 1]);
    expect(data.filter((label, i) => label !== hard.data[i]).length).toBeLessThan(100);
  });

  it('and what was joined is told', async () => {
    const { notes } = await readMarkedPixels(
      fixture('masks/antialiased-mask/mask-grey.png'),
      options,
    );
    expect(notes).toEqual([
      'its edges are soft: 86 blends (1800 pixels) were joined to the 2 colours that they blend.',
    ]);
  });
});

it('says which colours are not clear, and what to do', async () => {
  // A border of one level all around may be a label or a blend.
  const labels = Uint8Array.from({ length: width * height }, (_, i) => {
    const distance = Math.hypot((i % width) - 100, Math.floor(i / width) - 75);
    return distance < 50 ? 255 : distance < 51.5 ? 128 : 0;
  });
  const file = await encode('png', labels, width, height, 1);
  await expect(readMask(file, options)).rejects.toThrow(
    /not clear whether .*#000000 \(\d+ pixels\), #ffffff \(\d+ pixels\), #808080 \(\d+ pixels\); pass the option tolerance \(32, say\) .*or 0 /,
  );
  const letter = await readMask(file, { ...options, tolerance: 0, ignore: 0 });
  expect(Buffer.compare(letter.data, labels)).toBe(0);
  expect(new Set((await readMask(file, { ...options, tolerance: 32 })).data)).toEqual(
    new Set([0, 1]),
  );
});

it('takes floats and 16 bits with soft edges for black and white', async () => {
  const disc = Float32Array.from({ length: width * height }, (_, i) => {
    const distance = Math.hypot((i % width) - 100.3, Math.floor(i / width) - 75.2);
    return Math.min(1, Math.max(0, 50 - distance));
  });
  const wanted = disc.map((share) => (share >= 0.5 ? 1 : 0));
  const { data } = await readMask({ data: disc, width, height }, options);
  const wrong = data.filter((label, i) => label !== wanted[i]).length;
  expect(wrong).toBeLessThan(20);
  const deep = Uint16Array.from(disc, (share) => Math.round(share * 65535));
  const again = await readMask({ data: deep, width, height }, options);
  expect(Buffer.compare(again.data, data)).toBe(0);
});
