/**
 * Matrix products of ViT-L's size, (1568 x 1024) by (1024 x 4096), against TF.js wasm in the same run.
 * Rounds alternate between the contestants, and each one's best round counts: a busy machine then slows
 * all alike. Ratios travel between machines; absolute figures do not.
 *
 * TF.js is warmed up before this package turns on V8's 256-bit vectors, which would have doubled its rate
 * too: the peer is TF.js as it runs by itself.
 */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type { StoredTensor } from '../src/tensors/stored-tensor';
import { createWasmEngine, type WasmEngineOptions } from '../src/engines/wasm';

const [ROWS, INPUTS, OUTPUTS] = [1568, 1024, 4096];
const OPERATIONS = 2 * ROWS * INPUTS * OUTPUTS;
const ROUNDS = Number(process.env.ROUNDS ?? 12);

interface Contestant {
  readonly name: string;
  round(): Promise<void>;
  best: number;
}

const noise = (length: number) => Float32Array.from({ length }, () => Math.random() - 0.5);
const weights = noise(OUTPUTS * INPUTS);
const input = noise(ROWS * INPUTS);
const stored: StoredTensor = {
  name: 'weight',
  dtype: 'F32',
  shape: [OUTPUTS, INPUTS],
  data: new Uint8Array(weights.buffer),
};

async function tfjsWasm(): Promise<Contestant> {
  const require = createRequire(import.meta.url);
  setWasmPaths(
    dirname(require.resolve('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm')) + sep,
  );
  await tf.setBackend('wasm');
  await tf.ready();
  // Its fast path takes no transposed matrices.
  const [x, w] = [tf.tensor2d(input, [ROWS, INPUTS]), tf.tensor2d(weights, [INPUTS, OUTPUTS])];
  return {
    name: 'TF.js wasm',
    best: Infinity,
    async round() {
      const y = tf.matMul(x, w);
      await y.data();
      y.dispose();
    },
  };
}

async function ours(name: string, options: WasmEngineOptions): Promise<Contestant> {
  const engine = await createWasmEngine(options);
  const layer = engine.loadLinear(stored, null);
  const x = engine.upload(input, [ROWS, INPUTS]);
  return {
    name,
    best: Infinity,
    async round() {
      const y = engine.linear(x, layer);
      await engine.flush();
      engine.dispose(y);
    },
  };
}

const peer = await tfjsWasm();
for (let i = 0; i < 5; i++) await peer.round();
const contestants = [
  peer,
  await ours('f32, 1 thread', { threads: 1 }),
  await ours('f32, 2 threads', { threads: 2 }),
  await ours('f16, 2 threads', { threads: 2, precision: 'f16' }),
  await ours('int8, 1 thread', { threads: 1, precision: 'int8' }),
  await ours('int8, 2 threads', { threads: 2, precision: 'int8' }),
  await ours('f32, plain SIMD, 2 threads', { threads: 2, relaxedSimd: false }),
  await ours('int8, plain SIMD, 2 threads', { threads: 2, precision: 'int8', relaxedSimd: false }),
];
for (let round = 0; round < ROUNDS; round++) {
  for (const contestant of contestants) {
    const start = performance.now();
    await contestant.round();
    contestant.best = Math.min(contestant.best, performance.now() - start);
  }
}
console.log(`node ${process.version}, ${process.arch}, product ${ROWS} x ${INPUTS} x ${OUTPUTS}`);
console.table(
  Object.fromEntries(
    contestants.map(({ name, best }) => [
      name,
      {
        ms: best.toFixed(1),
        'Gop/s': (OPERATIONS / best / 1e6).toFixed(1),
        'x TF.js wasm': (peer.best / best).toFixed(2),
      },
    ]),
  ),
);
process.exit(0);
