/**
 * ViT-L, one prompt, canvas 896 x 448: this package's CPU engine beside its peers, in one table.
 *
 * All contestants are loaded, then take turns, so that a busy machine slows all alike; each one's best
 * round counts. Memory is the highest each process ever held.
 *
 *     node bench/run.mjs wasm-vit-large        # makes the random weights
 *     python bench/wasm-peers-export.py WEIGHTS ONNX
 *     PEERS=folder PYTHON=python ONNX=folder node bench/wasm-peers.mjs [rounds] [contestants…]
 *
 * `PEERS` is a folder where onnxruntime-node and onnxruntime-web are installed, `PYTHON` an interpreter
 * with torch and transformers. Contestants that do not start are left out, and named.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

const THREADS = process.env.THREADS ?? '2';
const root = new URL('..', import.meta.url).pathname;
const weights = process.env.VIT_LARGE ?? join(tmpdir(), 'seggpt-bench-vit-large');
const onnx = process.env.ONNX ?? join(tmpdir(), 'seggpt-bench-onnx');
const python = process.env.PYTHON ?? 'python3';
const [, , rounds = '3', ...wanted] = process.argv;

const folder = join(root, 'node_modules/.cache/bench');
mkdirSync(folder, { recursive: true });
const ours = join(folder, 'contestant-ours.mjs');
await build({
  entryPoints: [join(root, 'bench/wasm-contestant-ours.ts')],
  outfile: ours,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'es2022',
  packages: 'external',
});
const node = process.execPath;
const runtime = join(root, 'bench/wasm-contestant-onnx.mjs');
const commands = {
  'seggpt int8': [node, ours, 'int8', THREADS, weights, 'paint'],
  'seggpt int8, prepared prompt': [node, ours, 'int8', THREADS, weights, 'prepared'],
  'seggpt int8, 4 prompts': [node, ours, 'int8', THREADS, weights, 'four'],
  'seggpt f16': [node, ours, 'f16', THREADS, weights, 'paint'],
  'seggpt f32': [node, ours, 'f32', THREADS, weights, 'paint'],
  'seggpt on TF.js wasm': [node, ours, 'f32', THREADS, weights, 'paint', 'tfjs-wasm'],
  'seggpt on tfjs-node': [node, ours, 'f32', THREADS, weights, 'paint', 'tensorflow'],
  'onnxruntime-node fp32': [node, runtime, 'onnxruntime-node', join(onnx, 'fp32.onnx'), THREADS],
  'onnxruntime-node int8': [node, runtime, 'onnxruntime-node', join(onnx, 'int8.onnx'), THREADS],
  'onnxruntime-web fp32': [node, runtime, 'onnxruntime-web', join(onnx, 'fp32.onnx'), THREADS],
  'transformers fp32': [
    python,
    join(root, 'bench/wasm-contestant-transformers.py'),
    weights,
    THREADS,
  ],
};

async function open(name) {
  const [program, ...args] = commands[name];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : value;
  };
  if ((await next()) !== 'ready') return undefined;
  return { name, child, next, best: Infinity, peak: 0 };
}

const contestants = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(commands)) {
  const contestant = await open(name);
  if (contestant) contestants.push(contestant);
  else console.log(`${name} did not start and is left out`);
}
for (let round = 0; round < Number(rounds); round++) {
  for (const contestant of contestants) {
    contestant.child.stdin.write('go\n');
    contestant.best = Math.min(contestant.best, Number(await contestant.next()));
    const status = readFileSync(`/proc/${contestant.child.pid}/status`, 'utf8');
    contestant.peak = Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 2 ** 20;
  }
}
const reference =
  contestants.find(({ name }) => name === 'onnxruntime-node fp32') ?? contestants[0];
console.log(`node ${process.version}, ${THREADS} threads`);
console.table(
  Object.fromEntries(
    contestants.map(({ name, best, peak }) => [
      name,
      {
        seconds: best.toFixed(2),
        [`x ${reference.name}`]: (best / reference.best).toFixed(2),
        'peak GB': peak.toFixed(2),
      },
    ]),
  ),
);
for (const { child } of contestants) child.kill();
