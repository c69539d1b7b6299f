/**
 * What a user waits for: the first call after import, later calls, and for an abort to take effect.
 * `npm run build && node bench/latency.mjs [VIT_L_FOLDER]`; `node bench/run.mjs wasm-vit-large` makes such a folder.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers';

const root = new URL('..', import.meta.url).pathname;
const large = process.argv[2] ?? join(tmpdir(), 'seggpt-bench-vit-large');
const [image, mask, target] = ['cup-1.jpg', 'cup-1.png', 'cup-2.jpg'].map((name) =>
  join(root, 'examples', name),
);
const rows = {};
const row = (name, milliseconds) => (rows[name] = { ms: Math.round(milliseconds) });

const start = performance.now();
const { InContextSegmenter } = await import('../dist/node/index.js');
row('import', performance.now() - start);
const segmenter = await InContextSegmenter.load();
await segmenter.segment([{ image, mask }], target);
row('import, load and first call', performance.now() - start);
let best = Infinity;
for (let i = 0; i < 5; i++) {
  const began = performance.now();
  await segmenter.segment([{ image, mask }], target);
  best = Math.min(best, performance.now() - began);
}
row('a later call', best);
const name = segmenter.engine;
segmenter.dispose();

if (existsSync(join(large, 'model.safetensors'))) {
  const model = await InContextSegmenter.load(large, { backend: 'wasm', precision: 'int8' });
  let longest = 0;
  const began = performance.now();
  await model.segment([{ image, mask }], target);
  const whole = performance.now() - began;
  // Shares of the call's own time, as machines differ by an order of magnitude.
  for (const share of [0.1, 0.25, 0.4, 0.6, 0.8]) {
    const controller = new AbortController();
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort();
    }, share * whole);
    await model.segment([{ image, mask }], target, { signal: controller.signal }).catch(() => {});
    if (aborted === 0) continue; // it was done sooner this time
    longest = Math.max(longest, performance.now() - aborted);
  }
  row('ViT-L int8: from abort to the error, longest of five', longest);
  model.dispose();
}
console.log(`node ${process.version}, backend ${name}`);
console.table(rows);
