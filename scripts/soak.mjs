/**
 * Hundreds of calls, aborts, failures and dead workers on the built package (dist), and what they leave behind:
 * `npm run soak [-- --rounds 300]`. Prints a table; exits with 1 if a row does not hold. See docs/reliability.md.
 */
import { readdirSync } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';
import workerThreads from 'node:worker_threads';
import { syncBuiltinESMExports } from 'node:module';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '300' } } });
const rounds = Number(values.rounds);

// Workers are counted, so that one can be ended.
const workers = [];
const { Worker } = workerThreads;
workerThreads.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    workers.push(this);
  }
};
syncBuiltinESMExports();

const { InContextSegmenter, releaseModels, segmentInContext, SegGptError } = await import(
  new URL('../dist/node/index.js', import.meta.url)
);
const frame = (name) => new URL(`../examples/cat-video/${name}`, import.meta.url);
const prompts = [{ image: frame('000.jpg'), mask: frame('000.png') }];
const target = frame('002.jpg');
const options = { resolution: 160, quality: 'fast' };
const load = () => InContextSegmenter.load('bundled', { backend: 'wasm', threads: 2 });
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const pixels = ({ labelMap }) => Buffer.from(labelMap.data).toString('base64');

let unhandled = 0;
process.on('unhandledRejection', () => unhandled++);
let failures = 0;

/** Memory and handles of the process, after a collection of garbage. */
async function state() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await pause(20);
  }
  const rss = Math.round(process.memoryUsage().rss / 2 ** 20);
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : NaN;
  return { rss, files };
}

/** Runs a part and prints its row: what was counted, how memory and open files changed, whether it held. */
async function part(name, work) {
  const before = await state();
  const began = performance.now();
  const { holds, told } = await work();
  const seconds = (performance.now() - began) / 1000;
  const after = await state();
  if (!holds) failures++;
  const change = `${after.rss - before.rss} MB, ${after.files - before.files} files`;
  console.log(
    `| ${name} | ${told} | ${change} | ${seconds.toFixed(0)} s | ${holds ? 'holds' : 'FAILS'} |`,
  );
}

console.log(`Node ${process.versions.node}, ${rounds} rounds\n`);
console.log('| what | result | change of memory and open files | time | |');
console.log('| --- | --- | --- | ---: | --- |');
const segmenter = await load();
const expected = pixels(await segmenter.segment(prompts, target, options));

await part('calls', async () => {
  const memory = segmenter.memory();
  let different = 0;
  for (let i = 0; i < rounds; i++)
    different += pixels(await segmenter.segment(prompts, target, options)) !== expected;
  const leaked = segmenter.memory().tensors - memory.tensors;
  return {
    holds: different === 0 && leaked === 0,
    told: `${different} of ${rounds} differ, ${leaked} tensors leaked`,
  };
});

await part('prepare and dispose', async () => {
  const { tensors } = segmenter.memory();
  for (let i = 0; i < rounds; i++) (await segmenter.prepare(prompts, options)).dispose();
  const leaked = segmenter.memory().tensors - tensors;
  return { holds: leaked === 0, told: `${leaked} tensors leaked` };
});

await part('aborts at any time, four at once', async () => {
  const { tensors } = segmenter.memory();
  const counts = { aborted: 0, finished: 0, wrong: 0 };
  const call = async () => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), Math.random() * 500);
    try {
      const { signal } = controller;
      const result = await segmenter.segment(prompts, target, { ...options, signal });
      counts.finished++;
      counts.wrong += pixels(result) !== expected;
    } catch (error) {
      if (error.name === 'AbortError') counts.aborted++;
      else counts.wrong++;
    }
    clearTimeout(timer);
  };
  for (let i = 0; i < rounds; i += 4) await Promise.all([call(), call(), call(), call()]);
  const leaked = segmenter.memory().tensors - tensors;
  return {
    holds: counts.wrong === 0 && leaked === 0,
    told: `${counts.aborted} aborted, ${counts.finished} finished, ${counts.wrong} wrong, ${leaked} tensors leaked`,
  };
});

await part('failures in the middle', async () => {
  let untyped = 0;
  const bad = { width: 2, height: 2, data: [NaN] };
  for (let i = 0; i < rounds; i++) {
    const onProgress = () => {
      if (Math.random() < 0.2) throw new Error('of the caller');
    };
    await segmenter
      .segment(prompts, i % 2 ? bad : target, { ...options, onProgress })
      .catch((error) => {
        if (!(error instanceof SegGptError) && error.message !== 'of the caller') untyped++;
      });
  }
  return { holds: untyped === 0, told: `${untyped} untyped errors` };
});

await part('an abort at resolution 2048', async () => {
  const controller = new AbortController();
  let aborted = 0;
  setTimeout(() => {
    aborted = performance.now();
    controller.abort();
  }, 3000);
  const large = { ...options, resolution: 2048, signal: controller.signal };
  await segmenter.segment(prompts, target, large).catch(() => undefined);
  const rejected = performance.now() - aborted;
  const small = await timed(() => segmenter.segment(prompts, target, options));
  const usual = await timed(() => segmenter.segment(prompts, target, options));
  return {
    holds: rejected < 1000 && small < 4 * usual + 1000,
    told: `rejects after ${Math.round(rejected)} ms; the next small call takes ${Math.round(small)} ms, one more ${Math.round(usual)} ms`,
  };
});
segmenter.dispose();

await part('segmenters that are disposed and kept', async () => {
  const before = (await state()).rss;
  const kept = await Promise.all(Array.from({ length: 8 }, load));
  await Promise.all(kept.map((each) => each.segment(prompts, target, options)));
  const atWork = process.memoryUsage().rss / 2 ** 20;
  kept.forEach((each) => each.dispose());
  const held = (await state()).rss - before;
  return {
    holds: held < 200,
    told: `${kept.length} took ${Math.round(atWork - before)} MB at work, hold ${held} MB`,
  };
});

await part('a worker that ends under segmentInContext', async () => {
  const call = () => segmentInContext(prompts, target, { backend: 'wasm', threads: 2, ...options });
  await call();
  const started = workers.length;
  const running = call();
  setTimeout(() => void workers.at(-1).terminate(), 40);
  const results = [await running.catch((error) => error), await call().catch((error) => error)];
  const same = results.filter(
    (result) => !(result instanceof Error) && pixels(result) === expected,
  );
  await releaseModels();
  return {
    holds: same.length === 2,
    told: `${same.length} of 2 calls right, ${workers.length - started} workers started anew`,
  };
});

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

console.log(`\n${unhandled} unhandled rejections`);
process.exitCode = failures + unhandled > 0 ? 1 : 0;
