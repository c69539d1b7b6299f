/**
 * onnxruntime-node, or onnxruntime-web's wasm, as a contestant of `wasm-peers.mjs`.
 * Arguments: package, model file, threads. `PEERS` names a folder whose node_modules holds the package.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [, , name, file, threads] = process.argv;
const ort = createRequire(join(process.env.PEERS ?? process.cwd(), 'package.json'))(name);
if (ort.env?.wasm) ort.env.wasm.numThreads = Number(threads);
const model = name === 'onnxruntime-web' ? readFileSync(file) : file;
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: Number(threads) });
const shape = [1, 3, 448, 448];
const noise = () =>
  new ort.Tensor(
    'float32',
    Float32Array.from({ length: 3 * 448 * 448 }, () => Math.random() * 4 - 2),
    shape,
  );
const inputs = { pixel_values: noise(), prompt_pixel_values: noise(), prompt_masks: noise() };

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'go') continue;
  const start = performance.now();
  await session.run(inputs);
  console.log(((performance.now() - start) / 1000).toFixed(3));
}
process.exit(0);
