/**
 * Where the time of a ViT-L painting goes, kernel by kernel, with one prompt and with several.
 * `node bench/run.mjs wasm-kernels [precision] [threads] [prompts]`. Weights are random and made on first use.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ndarray from 'ndarray';
import { CommandQueue } from '../src/engines/wasm/command-queue';
import { LIST } from '../src/engines/wasm/memory-map';
import { COMMAND_WORDS, FIRST_ARGUMENT, Op } from '../src/engines/wasm/opcodes';
import { Painter } from '../src/models/seggpt/painter';
import { writeVitLarge } from './wasm-vit-large-weights';

const [, , precision = 'int8', threads = '2', prompts = '4'] = process.argv;
const folder = process.env.VIT_LARGE ?? join(tmpdir(), 'seggpt-bench-vit-large');
if (!existsSync(join(folder, 'model.safetensors'))) writeVitLarge(folder);

const [HEIGHT, WIDTH] = [896, 448];
const HALF = (HEIGHT / 2) * WIDTH * 3;
const noise = (length: number) => Float32Array.from({ length }, () => Math.random() * 4 - 2);

type Spent = Map<string, { seconds: number; operations: number }>;
let spent: Spent = new Map();

/** The parts of a queue that are listened to: one command to a slice, so that each can be timed. */
interface Queue {
  readonly memory: WebAssembly.Memory;
  readonly pending: unknown[];
  readonly runner: { run(count: number): Promise<void> };
  writeSlice(): { count: number; cost: number; commands: number };
}
const queue = CommandQueue.prototype as unknown as Queue;
const { writeSlice } = queue;
queue.writeSlice = function (this: Queue) {
  const later = this.pending.splice(1);
  const slice = writeSlice.call(this);
  this.pending.push(...later);
  const words = new Uint32Array(this.memory.buffer, LIST, COMMAND_WORDS);
  const kernel = kernelName(words);
  // The queue counts a product of bytes as one operation, for it takes half the time.
  const operations = slice.cost * (words[0] === Op.GemmInt8 ? 2 : 1);
  const { runner } = this;
  const run = runner.run.bind(runner);
  runner.run = async (count) => {
    delete (runner as Partial<typeof runner>).run;
    const start = performance.now();
    await run(count);
    const sum = spent.get(kernel) ?? { seconds: 0, operations: 0 };
    sum.seconds += (performance.now() - start) / 1000;
    sum.operations += operations;
    spent.set(kernel, sum);
  };
  return slice;
};

function kernelName(words: Uint32Array): string {
  const op = words[0] as Op;
  if (op === Op.Gemm) return `product ${words[FIRST_ARGUMENT + 6]} x ${words[FIRST_ARGUMENT + 7]}`;
  if (op === Op.GemmInt8)
    return `product ${words[FIRST_ARGUMENT + 7]} x ${words[FIRST_ARGUMENT + 8]}`;
  return Op[op];
}

const painter = await Painter.load(folder, {
  backend: 'wasm',
  precision: precision as 'int8',
  threads: Number(threads),
});

async function profile(count: number): Promise<Spent> {
  const shape = [count, HEIGHT, WIDTH, 3];
  const images = ndarray(noise(count * 2 * HALF), shape);
  const target = images.data.slice(HALF, 2 * HALF);
  for (let n = 1; n < count; n++) images.data.set(target, (2 * n + 1) * HALF);
  const masks = ndarray(noise(count * 2 * HALF), shape);
  spent = new Map();
  await painter.paint({ images, masks, featureEnsemble: count > 1 });
  return spent;
}

await profile(1); // compiles, and grows the arena
const one = await profile(1);
const several = await profile(Number(prompts));
const sum = (all: Spent) => [...all.values()].reduce((total, { seconds }) => total + seconds, 0);
const row = (a: number, b: number, operations: number) => ({
  'one prompt s': a.toFixed(3),
  share: `${((100 * a) / sum(one)).toFixed(1)}%`,
  'Gop/s': (operations / a / 1e9).toFixed(0),
  [`${prompts} prompts s`]: b.toFixed(3),
  ratio: (b / a).toFixed(2),
});
console.log(`node ${process.version}, ${precision}, ${threads} threads`);
console.table({
  ...Object.fromEntries(
    [...one]
      .sort(([, a], [, b]) => b.seconds - a.seconds)
      .map(([kernel, { seconds, operations }]) => [
        kernel,
        row(seconds, several.get(kernel)?.seconds ?? 0, operations),
      ]),
  ),
  sum: row(sum(one), sum(several), 0),
});
painter.dispose();
