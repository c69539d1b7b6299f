/**
 * Clicks, a box, everything, and a click in one photograph that finds the thing in another: overlays and a contact sheet in
 * `out/interactive`.
 */
import { mkdir } from 'node:fs/promises';
import sharp from 'sharp';
import { InContextSegmenter, InteractiveSegmenter } from 'seggpt';

const here = new URL('./', import.meta.url).pathname;
const out = process.argv[2] ?? 'out/interactive';
await mkdir(out, { recursive: true });
const WIDTH = 480;
const tiles = [];

/** Keeps an overlay with what was pointed at drawn over it. */
async function keep(title, overlay, { width, height }, marks = '') {
  const unit = width / 100;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" stroke-width="${unit * 0.6}">${marks}</svg>`;
  const image = sharp(Buffer.from(await overlay.toPng())).composite([{ input: Buffer.from(svg) }]);
  const png = await image.png().toBuffer();
  await sharp(png).toFile(`${out}/${title.replaceAll(/[^a-z0-9]+/gi, '-')}.png`);
  tiles.push({ title, png });
}

function dots(points, labels, { width }) {
  const r = width / 70;
  return points
    .map(
      ([x, y], i) =>
        `<circle cx="${x}" cy="${y}" r="${r}" fill="${labels?.[i] === 0 ? '#e02020' : '#20c040'}" stroke="white"/>`,
    )
    .join('');
}

const segmenter = await InteractiveSegmenter.load();
const cup = await segmenter.encode(`${here}cup-1.jpg`);
const at = (x, y) => [x * cup.width, y * cup.height];

const point = { points: [at(0.45, 0.5)] };
const one = await cup.segment(point);
await keep('one click', cup.overlay(one.masks), cup, dots(point.points, undefined, cup));

const [x0, y0, x1, y1] = [...at(0.12, 0.04), ...at(0.8, 0.96)];
const boxed = await cup.segment({ box: [x0, y0, x1, y1] });
const frame = `<rect x="${x0}" y="${y0}" width="${x1 - x0}" height="${y1 - y0}" fill="none" stroke="white"/>`;
await keep('a box', cup.overlay(boxed.masks), cup, frame);

const coins = await segmenter.encode(`${here}coins-left.jpg`);
const all = [];
for await (const mask of coins.everything({ pointsPerSide: 24 })) all.push(mask);
await keep(`everything: ${all.length} masks`, coins.overlay(all), coins);
const right = await segmenter.encode(`${here}coins-right.jpg`);
segmenter.dispose();

const byExample = await InContextSegmenter.load();
const prompts = [{ image: `${here}cup-1.jpg`, box: [x0, y0, x1, y1], name: 'cup' }];
const found = await byExample.segment(prompts, `${here}cup-2.jpg`);
await keep('the box finds the cup elsewhere', found.overlay(), found);

const coinPrompt = [{ image: `${here}coins-left.jpg`, mask: `${here}coins-left.png` }];
const split = await byExample.segment(coinPrompt, `${here}coins-right.jpg`, { instances: true });
byExample.dispose();
await keep(
  `coins by example: ${split.instances.length} objects`,
  right.overlay(split.instances),
  split,
);

const HEIGHT = 330;
const cells = await Promise.all(
  tiles.map(async ({ title, png }, i) => {
    const picture = await sharp(png)
      .resize(WIDTH, HEIGHT - 30, { fit: 'contain', background: 'white' })
      .toBuffer();
    const label = `<svg width="${WIDTH}" height="30"><text x="8" y="21" font-family="sans-serif" font-size="17" fill="#222">${title}</text></svg>`;
    const [left, top] = [(i % 3) * WIDTH, Math.floor(i / 3) * HEIGHT];
    return [
      { input: Buffer.from(label), left, top },
      { input: picture, left, top: top + 30 },
    ];
  }),
);
await sharp({
  create: {
    width: 3 * WIDTH,
    height: Math.ceil(tiles.length / 3) * HEIGHT,
    channels: 3,
    background: 'white',
  },
})
  .composite(cells.flat())
  .jpeg({ quality: 86 })
  .toFile(`${out}/contact-sheet.jpg`);
console.log(`${out}/contact-sheet.jpg written`);
process.exit(); // a GPU backend may hold the event loop
