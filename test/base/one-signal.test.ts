/**
 * One signal over many calls: nobody leaves a listener on it. (That Node warns of none is seen from outside: Jest's
 * `process` hears no warnings. See test/apps/cli/cache.test.ts.)
 */
import { getEventListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ndarray from 'ndarray';
import { InContextSegmenter, segmentInContext, releaseModels } from '../../src/index';
import { openCheckpoint } from '../../src/entries/checkpoints';
import { miniConfig, randomTensors, safetensors } from '../helpers/tiny-checkpoint';

/** A small picture, and its left half as a mask. */
const picture = ndarray(
  Uint8Array.from({ length: 12 * 8 * 3 }, (_, i) => (i * 7) % 256),
  [8, 12, 3],
);
const half = ndarray(
  Uint8Array.from({ length: 12 * 8 }, (_, i) => Number(i % 12 < 6)),
  [8, 12],
);
const prompt = { image: picture, mask: half };
/** More than the ten listeners of which Node warns. */
const CALLS = 15;

let abort: AbortController;
let cache: string;
let server: Server;
let url: string;
const files: Record<string, Buffer> = {
  '/model/config.json': Buffer.from(JSON.stringify(miniConfig)),
  '/model/model.safetensors': Buffer.from(safetensors(randomTensors())),
};

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'seggpt-signal-'));
  files['/cat.jpg'] = await readFile('examples/cat-video/002.jpg');
  server = createServer(({ url: path = '' }, response) => {
    const file = files[path];
    if (!file) response.writeHead(404).end();
    else response.setHeader('etag', '"v1"').end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(cache, { recursive: true });
});

beforeEach(() => {
  abort = new AbortController();
});

/** What is left once everything has settled. */
async function left(): Promise<number> {
  await new Promise(setImmediate);
  return getEventListeners(abort.signal, 'abort').length;
}

describe.each(['wasm', 'cpu'] as const)('on %s, nothing is left of', (backend) => {
  let segmenter: InContextSegmenter;
  beforeEach(async () => {
    segmenter = await InContextSegmenter.load(`${url}/model`, {
      ...{ backend, cache, signal: abort.signal },
    });
  });
  afterEach(() => segmenter.dispose());

  it('targets, one after the other and at once, from files and URLs', async () => {
    const { signal } = abort;
    const prepared = await segmenter.prepare([prompt], { signal });
    for (let i = 0; i < CALLS; i++)
      await prepared.segment(i % 2 ? picture : `${url}/cat.jpg`, { signal });
    await Promise.all(Array.from({ length: CALLS }, () => prepared.segment(picture, { signal })));
    prepared.dispose();
    expect(await left()).toBe(0);
  });

  it('frames of a tracker, whose calls have a signal of their own beside it', async () => {
    const { signal } = abort;
    const tracker = segmenter.createTracker([prompt], { signal, memory: 1 });
    const own = new AbortController();
    for (let i = 0; i < CALLS; i++) await tracker.next(picture, { signal: own.signal });
    tracker.dispose();
    expect(await left()).toBe(0);
    expect(getEventListeners(own.signal, 'abort')).toHaveLength(0);
    const frames = Array.from({ length: CALLS }, () => picture);
    for await (const { error } of segmenter.track([prompt], frames, { signal }))
      expect(error).toBeNull();
    expect(await left()).toBe(0);
  });
});

it('nothing is left of many loads from a URL', async () => {
  const { signal } = abort;
  for (let i = 0; i < CALLS; i++) {
    const source = await openCheckpoint(`${url}/model`, {
      ...{ cache: i % 2 ? cache : join(cache, String(i)), signal },
    });
    await source.close();
  }
  expect(await left()).toBe(0);
});

it('nothing is left of many calls that load and segment', async () => {
  const { signal } = abort;
  for (let i = 0; i < CALLS; i++)
    await segmentInContext([prompt], picture, {
      model: `${url}/model`,
      backend: 'wasm',
      cache,
      signal,
    });
  await releaseModels();
  expect(await left()).toBe(0);
});
