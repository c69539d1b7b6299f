/**
 * onnxruntime-node, or onnxruntime-web's wasm, as a contestant of `wasm-peers.mjs`.
 * Arguments: package, model file, threads. `PEERS` names a folder whose node_modules holds the package.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

const [, , name, file, threads] = process.argv;
const ort = createRequire(join(process.env.PEERS ?? process.cwd(), 'package.json'))(name);
if (ort.env?.wasm) ort.env.wasm.numThreads = Number(threads);
const inMemory = name === 'onnxruntime-web'; // it reads no files itself
const session = await ort.InferenceSession.create(inMemory ? readFileSync(file) : file, {
  intraOpNumThreads: Number(threads),
  ...(inMemory &&
    existsSync(`${file}.data`) && {
      externalData: [{ path: `${basename(file)}.data`, data: readFileSync(`${file}.data`) }],
    }),
});
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
