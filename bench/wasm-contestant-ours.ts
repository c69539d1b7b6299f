/** This package, on its CPU engine or another backend, as a contestant of `wasm-peers.mjs`. Arguments: precision, threads, weights, what, backend. */
import ndarray from 'ndarray';
import { createInterface } from 'node:readline';
import type { BackendChoice } from '../src/engines/engine-options';
import { Painter } from '../src/models/seggpt/painter';

const [, , precision, threads, folder, what, backend = 'wasm'] = process.argv;
const [HEIGHT, WIDTH] = [896, 448];
const HALF = (HEIGHT / 2) * WIDTH * 3;
const noise = (length: number) => Float32Array.from({ length }, () => Math.random() * 4 - 2);

const painter = await Painter.load(folder, {
  backend: backend as BackendChoice,
  precision: precision as 'f32',
  threads: Number(threads),
});

function canvases(count: number) {
  const data = noise(count * 2 * HALF);
  // One target for all: the lower halves are equal.
  for (let n = 1; n < count; n++) data.copyWithin((2 * n + 1) * HALF, HALF, 2 * HALF);
  return ndarray(data, [count, HEIGHT, WIDTH, 3]);
}

const context =
  what === 'prepared'
    ? await painter.prepare(
        { count: 1, height: HEIGHT / 2, width: WIDTH, images: noise(HALF), masks: noise(HALF) },
        { task: 'instance', joinPrompts: false },
      )
    : undefined;
const count = what === 'four' ? 4 : 1;
const inputs = { images: canvases(count), masks: canvases(count), featureEnsemble: count > 1 };
const target = noise(HALF);

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'go') continue;
  const start = performance.now();
  await (context ? painter.paintTarget(context, target) : painter.paint(inputs));
  console.log(((performance.now() - start) / 1000).toFixed(3));
}
process.exit(0);
