/** A worker that ends takes its engine with it, and nothing else: the call is made again, on a model loaded anew. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineLostError } from '../../../src/base/errors';
import { ThreadPool } from '../../../src/engines/wasm/thread-pool';
import { releaseModels, segmentInContext } from '../../../src/segment-in-context';
import { InContextSegmenter } from '../../../src/tasks/in-context/segmenter';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';

const model = mkdtempSync(join(tmpdir(), 'seggpt-lost-'));
writeFileSync(join(model, 'config.json'), JSON.stringify(miniConfig));
writeFileSync(join(model, 'model.safetensors'), safetensors(randomTensors()));
afterAll(() => rmSync(model, { recursive: true }));
const size = { width: 4, height: 4 };
const prompts = [
  {
    image: { ...size, data: new Uint8Array(48).fill(9) },
    mask: { ...size, data: new Uint8Array(16).fill(1) },
  },
];
const target = { ...size, data: new Uint8Array(48).fill(200) };
const options = { model, backend: 'wasm', threads: 1 } as const;

/** Lets the workers of the next so many pools end once they are at work. */
function endWorkers(pools: number) {
  const { run } = ThreadPool.prototype;
  const ended = new Set<ThreadPool>();
  return jest.spyOn(ThreadPool.prototype, 'run').mockImplementation(function (
    this: ThreadPool,
    count,
  ) {
    if (ended.size < pools && !ended.has(this)) {
      ended.add(this);
      (this as unknown as { fail(how: string): void }).fail('ended with code 1');
    }
    return run.call(this, count);
  });
}

afterEach(async () => {
  jest.restoreAllMocks();
  await releaseModels();
});

it('a call goes on with a new engine, once', async () => {
  const loads = jest.spyOn(InContextSegmenter, 'load');
  const { labelMap } = await segmentInContext(prompts, target, options);
  expect(loads).toHaveBeenCalledTimes(1);
  endWorkers(1); // no call tells the pool before: the kept model is dead
  expect((await segmentInContext(prompts, target, options)).labelMap).toEqual(labelMap);
  expect(loads).toHaveBeenCalledTimes(2);
  await segmentInContext(prompts, target, options);
  expect(loads).toHaveBeenCalledTimes(2);
});

it('two calls at once share the new engine', async () => {
  await segmentInContext(prompts, target, options);
  const loads = jest.spyOn(InContextSegmenter, 'load');
  endWorkers(1);
  await Promise.all([1, 2].map(() => segmentInContext(prompts, target, options)));
  expect(loads).toHaveBeenCalledTimes(1);
});

it('an engine that is lost again is told, and the next call loads anew', async () => {
  const ending = endWorkers(Infinity);
  await expect(segmentInContext(prompts, target, options)).rejects.toBeInstanceOf(EngineLostError);
  ending.mockRestore();
  await expect(segmentInContext(prompts, target, options)).resolves.toBeDefined();
});
