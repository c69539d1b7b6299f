/**
 * What a large picture costs beside painting: decoding the file, squeezing it, decoding the painting at full size,
 * measuring masks. Times whole calls on a 12-megapixel JPEG, less those on a picture of the model's own size, which
 * paint alike. Prints a table.
 *
 * node bench/large-pictures.mjs [NAME=PATH_OF_ANOTHER_BUILD ...]   (dist/node/index.js of another commit)
 */
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';

const [WIDTH, HEIGHT] = [4000, 3000];
const ROUNDS = 5;
const builds = [
  ['this build', 'dist/node/index.js'],
  ...process.argv.slice(2).map((each) => each.split('=')),
];

/** A picture with waves of every length, as JPEG. */
async function picture(width, height) {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 3) {
      data[i] = 128 + 100 * Math.sin((x * 9) / width) * Math.cos((y * 7) / height);
      data[i + 1] = (255 * y) / height;
      data[i + 2] = (i * 2654435761) >>> 26;
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** Labels 1 … count as blobs on a grid. */
function mask(side, count) {
  const data = new Uint8Array(side * side);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % side, Math.floor(i / side)];
    const cell = Math.floor((x * 6) / side) + 6 * Math.floor((y * 6) / side);
    const inside = Math.hypot((((x * 6) / side) % 1) - 0.5, (((y * 6) / side) % 1) - 0.5) < 0.4;
    if (inside && cell % 36 < count) data[i] = 1 + (cell % count);
  }
  return { data, width: side, height: side };
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const large = await picture(WIDTH, HEIGHT);
const small = await picture(288, 288);
const start = performance.now();
await sharp(large).raw().toBuffer();
const decoding = performance.now() - start;

console.log(`\n12-megapixel JPEG; decoding it alone takes ${(decoding / 1000).toFixed(2)} s\n`);
console.log('| build | labels | beside painting, s | and without decoding the file, s |');
console.log('|---|--:|--:|--:|');
for (const [name, path] of builds) {
  const { InContextSegmenter } = await import(pathToFileURL(path).href);
  const segmenter = await InContextSegmenter.load(undefined, { backend: 'wasm' });
  for (const labels of [1, 5, 26]) {
    const prompts = await segmenter.prepare([{ image: small, mask: mask(288, labels) }]);
    const seconds = async (target) => {
      const began = performance.now();
      const result = await prompts.segment(target);
      void result.masks[0].score;
      return (performance.now() - began) / 1000;
    };
    const [whole, painting] = [[], []];
    for (let i = 0; i < ROUNDS; i++) {
      painting.push(await seconds(small));
      whole.push(await seconds(large));
    }
    const beside = median(whole) - median(painting);
    console.log(
      `| ${name} | ${labels} | ${beside.toFixed(2)} | ${(beside - decoding / 1000).toFixed(2)} |`,
    );
    prompts.dispose();
  }
  segmenter.dispose();
}
process.exit();
