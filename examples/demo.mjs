/**
 * Segments photographs by photographs with the bundled model: prints time, backend and the IoU against
 * the mask each example holds back, and writes overlays and a contact sheet to `out/demo`.
 */
import { mkdir } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import sharp from 'sharp';
import { InContextSegmenter } from 'seggpt';

const here = new URL('./', import.meta.url).pathname;
const out = process.argv[2] ?? 'out/demo';
const frames = ['003', '006', '009', '012', '015'];
const examples = [
  { name: 'coins by coins', prompt: 'coins-left', targets: ['coins-right'] },
  { name: 'text by text', prompt: 'page-left', targets: ['page-right'] },
  { name: 'tissue by tissue', prompt: 'stain-left', targets: ['stain-right'] },
  { name: 'a cup by a cup', prompt: 'cup-1', targets: ['cup-2'] },
  {
    name: 'the cat by its first frame',
    prompt: 'cat-video/000',
    targets: frames.map((n) => `cat-video/${n}`),
  },
];

await mkdir(out, { recursive: true });
const start = performance.now();
const segmenter = await InContextSegmenter.load();
console.log(`bundled model loaded in ${seconds(start)} s; backend ${segmenter.engine}\n`);
console.log('example                       target          time     IoU   score');

const rows = [];
for (const { name, prompt, targets } of examples) {
  const prepared = await segmenter.prepare([
    { image: `${here}${prompt}.jpg`, mask: `${here}${prompt}.png` },
  ]);
  for (const target of targets) {
    const began = performance.now();
    const result = await prepared.segment(`${here}${target}.jpg`);
    const time = seconds(began);
    const truth = await sharp(`${here}${target}.png`).extractChannel(0).raw().toBuffer();
    const iou = intersectionOverUnion(result.labelMap.data, truth);
    const overlay = result.overlay();
    await overlay.save(`${out}/${target.replace('/', '-')}.png`);
    rows.push({ name, prompt, target, overlay: Buffer.from(await overlay.toPng()) });
    const { score } = result.masks[0];
    console.log(
      `${name.padEnd(29)} ${target.padEnd(14)} ${time.padStart(5)} s  ${iou.toFixed(3)}   ${score.toFixed(2)}`,
    );
  }
  prepared.dispose();
}
await contactSheet(rows.filter(({ target }) => !/00[369]|012/.test(target)));
console.log(`\noverlays and ${out}/contact-sheet.jpg written`);
segmenter.dispose();
process.exit(); // a GPU backend may hold the event loop

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(2);
}

function intersectionOverUnion(found, truth) {
  let both = 0;
  let either = 0;
  for (let i = 0; i < truth.length; i++) {
    if (found[i] && truth[i]) both++;
    if (found[i] || truth[i]) either++;
  }
  return either ? both / either : 1;
}

/** One row for each example: prompt, its mask, target, what was found. */
async function contactSheet(shown) {
  const [width, height, gap] = [220, 160, 6];
  const fit = (input) =>
    sharp(input).resize(width, height, { fit: 'contain', background: '#ffffff' }).png().toBuffer();
  const white = (file) => sharp(file).extractChannel(0).threshold(1).png().toBuffer();
  const tiles = [];
  for (const [row, { prompt, target, overlay }] of shown.entries()) {
    const pictures = [
      `${here}${prompt}.jpg`,
      await white(`${here}${prompt}.png`),
      `${here}${target}.jpg`,
      overlay,
    ];
    for (const [column, picture] of pictures.entries()) {
      tiles.push({
        input: await fit(picture),
        left: gap + column * (width + gap),
        top: 30 + row * (height + gap),
      });
    }
  }
  const heading = ['prompt', 'its mask', 'target', 'segmented'];
  const texts = heading.map(
    (text, i) =>
      `<text x="${gap + i * (width + gap) + width / 2}" y="20" text-anchor="middle">${text}</text>`,
  );
  const [sheetWidth, sheetHeight] = [gap + 4 * (width + gap), 30 + shown.length * (height + gap)];
  const titles = `<svg width="${sheetWidth}" height="30" font-family="sans-serif" font-size="15">${texts.join('')}</svg>`;
  tiles.push({ input: Buffer.from(titles), left: 0, top: 0 });
  await sharp({
    create: { width: sheetWidth, height: sheetHeight, channels: 3, background: '#ffffff' },
  })
    .composite(tiles)
    .jpeg({ quality: 85 })
    .toFile(`${out}/contact-sheet.jpg`);
}
