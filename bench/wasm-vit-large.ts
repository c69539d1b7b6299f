/**
 * One forward pass of a ViT-L sized painter, one prompt, canvas 896 x 448, on the CPU engine.
 * `node bench/run.mjs wasm-vit-large [precision] [threads]`. Weights are random and made on first use.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ndarray from 'ndarray';
import { Painter } from '../src/models/seggpt/painter';
import { writeVitLarge } from './wasm-vit-large-weights';

const [, , precision = 'f32', threads = '2', backend = 'wasm'] = process.argv;
const folder = process.env.VIT_LARGE ?? join(tmpdir(), 'seggpt-bench-vit-large');
if (!existsSync(join(folder, 'model.safetensors'))) writeVitLarge(folder);

const [HEIGHT, WIDTH] = [896, 448];
const noise = (length: number) => Float32Array.from({ length }, () => Math.random() * 4 - 2);
const canvas = () => ndarray(noise(HEIGHT * WIDTH * 3), [1, HEIGHT, WIDTH, 3]);
const seconds = async (work: () => Promise<unknown>) => {
  const start = performance.now();
  await work();
  return ((performance.now() - start) / 1000).toFixed(2);
};

let painter!: Painter;
const load = await seconds(async () => {
  painter = await Painter.load(folder, {
    backend: backend as 'wasm',
    precision: precision as 'f32',
    threads: Number(threads),
  });
});
const inputs = { images: canvas(), masks: canvas() };
const paints: string[] = [];
for (let i = 0; i < Number(process.env.ROUNDS ?? 3); i++)
  paints.push(await seconds(() => painter.paint(inputs)));

const half = (HEIGHT / 2) * WIDTH * 3;
const prompts = {
  count: 1,
  height: HEIGHT / 2,
  width: WIDTH,
  images: noise(half),
  masks: noise(half),
};
const context = await painter.prepare(prompts, { task: 'instance', joinPrompts: false });
const next = await seconds(() => painter.paintTarget(context, noise(half)));
context.dispose();

const row: Record<string, unknown> = {
  precision,
  threads,
  'load s': load,
  'paint s': paints.join(' '),
  'prepared s': next,
};
if (!process.env.SKIP_ENSEMBLE) {
  const four = () => ndarray(noise(4 * HEIGHT * WIDTH * 3), [4, HEIGHT, WIDTH, 3]);
  const images = four();
  const target = images.data.subarray(half, 2 * half);
  for (let n = 1; n < 4; n++) images.data.set(target, n * 2 * half + half);
  row['4 prompts s'] = await seconds(() =>
    painter.paint({ images, masks: four(), featureEnsemble: true }),
  );
}
row['engine MB'] = Math.round(painter.engine.memory().bytes / 2 ** 20);
row['peak RSS MB'] = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(`node ${process.version}, ${painter.engine.name}`);
console.table([row]);
painter.dispose();
