/**
 * Ops of the CPU engine one by one, at the sizes that models ask for: medians of interleaved rounds.
 * `node bench/run.mjs engine-ops [threads] [rounds]`.
 */
import { fusedHeads } from '../src/engines/attention-plan';
import type { Engine, EngineTensor } from '../src/engines/engine';
import { createWasmEngine } from '../src/engines/wasm';
import { canvasSegments } from '../src/models/seggpt/token-layout';
import { resizeGrid } from '../src/nn/resize-grid';
import { windowsOf } from '../src/nn/windows';
import type { StoredTensor } from '../src/tensors/stored-tensor';

const [, , threads = '2', rounds = '9'] = process.argv;

const noise = (length: number) => Float32Array.from({ length }, () => Math.random() - 0.5);
const stored = (...shape: number[]): StoredTensor => {
  const values = noise(shape.reduce((a, b) => a * b, 1));
  return { name: 'weight', dtype: 'F32', shape, data: new Uint8Array(values.buffer) };
};

type Op = () => EngineTensor;

function opsOf(engine: Engine): Map<string, Op> {
  const ops = new Map<string, Op>();
  const upload = (...shape: number[]) =>
    engine.upload(noise(shape.reduce((a, b) => a * b, 1)), shape);

  const canvases = (name: string, D: number, heads: number, side: number, prompts: number) => {
    const layout = { prompts, targets: 1, rows: side, columns: side };
    const headWidth = D / heads;
    const qkv = upload((prompts + 1) * side * side, 3 * D);
    const relative = {
      rows: upload(4 * side * side, headWidth),
      columns: upload(side * side, headWidth),
    };
    const plan = { heads, headWidth, relative, segments: canvasSegments(layout) };
    ops.set(`attention, ${name}`, () => engine.attention(...fusedHeads(qkv), plan));
  };
  canvases('ViT-L, 1 prompt', 1024, 16, 28, 1);
  canvases('ViT-L, 4 prompts, shared target', 1024, 16, 28, 4);
  canvases('bundled, 1 prompt', 192, 3, 18, 1);
  canvases('bundled, 4 prompts, shared target', 192, 3, 18, 4);

  const windows = (name: string, D: number, heads: number, side: number, window: number) => {
    const grid = { images: 1, rows: side, columns: side };
    const { partition, restore, segments } = windowsOf(grid, window);
    const headWidth = D / heads;
    const qkv = upload(side * side, 3 * D);
    const bias = upload(heads, window * window, window * window);
    ops.set(`attention, ${name}`, () =>
      engine.tidy(() => {
        const gathered = fusedHeads(engine.gatherRows(qkv, partition));
        const mixed = engine.attention(...gathered, { heads, headWidth, segments, bias });
        return engine.gatherRows(mixed, restore);
      }),
    );
  };
  windows('64 x 64 in windows of 14, D 160', 160, 5, 64, 14);
  windows('128 x 128 in windows of 7, D 128', 128, 4, 128, 7);

  const product = (rows: number, inputs: number, outputs: number) => {
    const [x, layer] = [upload(rows, inputs), engine.loadLinear(stored(outputs, inputs), null)];
    ops.set(`product and GELU, ${rows} x ${inputs} x ${outputs}`, () =>
      engine.linear(x, layer, { activation: 'gelu' }),
    );
  };
  product(1568, 1024, 4096);
  product(648, 192, 768);

  const channels = 64;
  const exact = { exact: true };
  const head = {
    convolution: engine.loadLinear(stored(channels, 9 * channels), null, exact),
    norm: { gamma: upload(channels), beta: upload(channels), epsilon: 1e-6 },
    colors: engine.loadLinear(stored(3, channels), null, exact),
  };
  const features = upload(29 * 28, 16 * 16 * channels);
  const painting = { images: 1, rows: 29, columns: 28, patch: 16 };
  ops.set('painting head, ViT-L', () => engine.paintingHead!(features, painting, head));

  const grid = { images: 1, rows: 256, columns: 256 };
  const picture = upload(256 * 256, channels);
  const convolution = engine.loadLinear(stored(channels, 9 * channels), null);
  const [kernel, bias] = [upload(9, channels), upload(channels)];
  ops.set('convolution, 256 x 256 x 64, stride 2', () =>
    engine.convolution(picture, convolution, grid, { stride: 2 }),
  );
  ops.set('depthwise convolution, 256 x 256 x 64', () =>
    engine.depthwiseConvolution(picture, kernel, bias, grid, { activation: 'gelu' }),
  );
  ops.set('resizing, 256 x 256 x 64 to 128 x 128', () =>
    resizeGrid(engine, picture, grid, { rows: 128, columns: 128 }),
  );
  return ops;
}

const precisions = ['f32', 'int8'] as const;
const engines = await Promise.all(
  precisions.map(async (precision) => {
    const engine: Engine = await createWasmEngine({ precision, threads: Number(threads) });
    return { precision, engine, ops: opsOf(engine) };
  }),
);
const rows: Record<string, Record<string, string>> = {};
for (const name of engines[0].ops.keys()) {
  const times = engines.map((): number[] => []);
  for (let round = -1; round < Number(rounds); round++) {
    for (const [i, { engine, ops }] of engines.entries()) {
      const start = performance.now();
      const made = ops.get(name)!();
      await engine.flush();
      engine.dispose(made);
      if (round >= 0) times[i].push(performance.now() - start);
    }
  }
  rows[name] = Object.fromEntries(
    times.map((all, i) => [
      `${precisions[i]} ms`,
      all.sort((a, b) => a - b)[all.length >> 1].toFixed(2),
    ]),
  );
}
console.log(`node ${process.version}, ${threads} threads`);
console.table(rows);
process.exit(0);
