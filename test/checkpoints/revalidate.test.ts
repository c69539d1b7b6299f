/** Whether what the cache holds of a URL is still what its server has. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../../src/base/progress';
import { AbortedError } from '../../src/base/errors';
import { openCheckpoint, type OpenOptions } from '../../src/checkpoints/open-checkpoint';
import { parsePainterConfig } from '../../src/models/seggpt/config';
import { miniConfig, randomTensors, safetensors } from '../helpers/tiny-checkpoint';

const weights = (seed: number) =>
  Buffer.from(safetensors(randomTensors(parsePainterConfig(miniConfig), seed)));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface Served {
  body: Buffer;
  headers: Record<string, string>;
}
let files: Record<string, Served>;
let requests: string[];
/** Answers in place of the server's own, by method. */
let misbehave: Partial<Record<string, (response: ServerResponse) => void>>;
let notes: string[];
let cache: string;
let url: string;

const server = createServer(({ method = '', url: path = '' }, response) => {
  const name = path.split('/').at(-1)!;
  requests.push(`${method} ${name}`);
  if (misbehave[method]) return misbehave[method](response);
  const file = files[name];
  if (!file) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-length': file.body.length, ...file.headers });
  response.end(method === 'HEAD' ? undefined : file.body);
});

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'seggpt-revalidate-'));
  files = {
    'config.json': { body: Buffer.from(JSON.stringify(miniConfig)), headers: { etag: '"c1"' } },
    'model.safetensors': { body: weights(1), headers: { etag: '"w1"' } },
  };
  [requests, notes, misbehave] = [[], [], {}];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(cache, { recursive: true });
});

/** The first bytes of a parameter, by which one sees which weights were loaded. */
async function load(options: OpenOptions = {}, source = url): Promise<string> {
  requests = [];
  const onProgress = ({ note }: Progress) => void (note && notes.push(note));
  const checkpoint = await openCheckpoint(source, { cache, onProgress, ...options });
  const { data } = await checkpoint.read('decoder.decoder_embed.weight');
  await checkpoint.close();
  return Buffer.from(data.slice(0, 16)).toString('hex');
}

it('asks once for each file, and fetches what has changed, alone', async () => {
  const first = await load();
  expect(await load()).toBe(first);
  expect(requests).toEqual([
    ...['HEAD config.json', 'HEAD preprocessor_config.json', 'HEAD model.safetensors'],
  ]);
  files['model.safetensors'] = { body: weights(2), headers: { etag: '"w2"' } };
  const second = await load();
  expect(second).not.toBe(first);
  expect(requests.filter((each) => each.startsWith('GET'))).toEqual(['GET model.safetensors']);
  expect(await load()).toBe(second);
  expect(requests.filter((each) => each.startsWith('GET'))).toEqual([]);
  expect(notes).toEqual([]);
});

it.each<[string, Record<string, string>, Record<string, string>]>([
  [
    'Last-Modified',
    { 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' },
    { 'last-modified': 'Tue, 02 Jan 2024 00:00:00 GMT' },
  ],
  [
    'an ETag beside the same Last-Modified',
    { etag: '"1"', 'last-modified': 'x' },
    { etag: '"2"', 'last-modified': 'x' },
  ],
  ['a weak ETag', { etag: 'W/"1"' }, { etag: 'W/"2"' }],
])('knows a change by %s', async (_, before, after) => {
  files['model.safetensors'].headers = before;
  const first = await load();
  expect(await load()).toBe(first);
  expect(requests).not.toContain('GET model.safetensors');
  files['model.safetensors'] = { body: weights(2), headers: after };
  expect(await load()).not.toBe(first);
});

it('takes a strong and a weak ETag of one version for the same', async () => {
  await load();
  files['model.safetensors'].headers = { etag: 'W/"w1"' };
  await load();
  expect(requests).not.toContain('GET model.safetensors');
});

it('knows a change by size alone, and keeps what it cannot compare', async () => {
  files['model.safetensors'].headers = {};
  const first = await load();
  files['model.safetensors'].body = weights(2);
  expect(await load()).toBe(first); // of the same size, and the server tells nothing else
  files['model.safetensors'].body = Buffer.concat([
    Buffer.from(
      safetensors({
        ...randomTensors(parsePainterConfig(miniConfig), 2),
        more: { shape: [1], data: new Uint8Array(4) },
      }),
    ),
  ]);
  expect(await load()).not.toBe(first);
});

it('asks by GET where a server knows no HEAD', async () => {
  const first = await load();
  misbehave.HEAD = (response) => response.writeHead(405).end();
  expect(await load()).toBe(first);
  files['model.safetensors'] = { body: weights(2), headers: { etag: '"w2"' } };
  expect(await load()).not.toBe(first);
});

it('asks nothing offline, nor about a file whose SHA-256 is promised', async () => {
  const body = files['model.safetensors'].body;
  const promised = { 'model.safetensors': sha256(body).toUpperCase() };
  const first = await load({ sha256: promised });
  files['model.safetensors'] = { body: weights(2), headers: { etag: '"w2"' } };
  expect(await load({ sha256: promised })).toBe(first);
  expect(requests.join()).not.toContain('model.safetensors');
  expect(await load({ sha256: promised, offline: true })).toBe(first);
  expect(requests).toEqual([]);
  // Another promise is not kept by this copy, nor is it what the server has now.
  const other = { 'model.safetensors': sha256(weights(2)) };
  await expect(load({ sha256: other, offline: true })).rejects.toThrow(/not in the cache/);
  expect(await load({ sha256: other })).not.toBe(first);
  expect(requests).toContain('GET model.safetensors');
  const second = await load();
  expect(second).not.toBe(first);
  files['model.safetensors'] = { body, headers: { etag: '"w3"' } };
  expect(await load({ offline: true })).toBe(second);
  expect(requests).toEqual([]);
});

describe('a server that does not answer', () => {
  let first: string;
  beforeEach(async () => {
    first = await load();
  });
  const used = (reason: string) => [
    `${url}/config.json${reason} What the cache holds of the model is used.`,
  ];

  it('is ill: the copy is used, which is told, and nothing more is asked', async () => {
    misbehave.HEAD = (response) => response.writeHead(503).end();
    expect(await load()).toBe(first);
    expect(notes).toEqual(used(': the server answers 503 Service Unavailable; try again later.'));
    expect(requests).toEqual(['HEAD config.json']);
  });

  it('is told of by a warning where nobody listens for progress', async () => {
    misbehave.HEAD = (response) => response.writeHead(503).end();
    const emitted = jest.spyOn(process, 'emitWarning').mockImplementation();
    await (await openCheckpoint(url, { cache })).close();
    expect(emitted.mock.calls).toEqual([
      [
        used(': the server answers 503 Service Unavailable; try again later.')[0],
        { type: 'SegGptWarning', code: 'SEGGPT_CACHED_COPY' },
      ],
    ]);
    emitted.mockRestore();
  });

  it('is not there', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await load()).toBe(first);
    expect(notes).toEqual([expect.stringMatching(/config\.json cannot be reached .* is used\.$/)]);
  });

  it('is waited for five seconds', async () => {
    misbehave.HEAD = () => undefined; // and never
    const began = Date.now();
    expect(await load()).toBe(first);
    expect(Date.now() - began).toBeLessThan(9_000);
    expect(notes).toEqual(used(' cannot be reached (no answer came for 5 s).'));
  });

  it('is waited for no longer than the signal says', async () => {
    misbehave.HEAD = () => undefined;
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await expect(load({ signal: abort.signal })).rejects.toThrow(AbortedError);
    expect(notes).toEqual([]);
  });
});

it('takes the answer of a server that no longer has a file', async () => {
  files['preprocessor_config.json'] = {
    body: Buffer.from('{"size": {"height": 64, "width": 64}}'),
    headers: {},
  };
  const preprocessor = async () => {
    const source = await openCheckpoint(url, { cache });
    await source.close();
    return source.preprocessor;
  };
  expect(await preprocessor()).toEqual({ size: { height: 64, width: 64 } });
  delete files['preprocessor_config.json'];
  expect(await preprocessor()).toBeNull();
  delete files['model.safetensors'];
  await expect(load()).rejects.toThrow(/holds no model\.safetensors/);
  misbehave.HEAD = (response) => response.writeHead(401).end();
  await expect(load()).rejects.toThrow(/answers 401 .*a token may be needed/);
});

it('fetches a changed file once for loads that overlap', async () => {
  const first = await load();
  files['model.safetensors'] = { body: weights(2), headers: { etag: '"w2"' } };
  requests = [];
  const sources = await Promise.all([1, 2, 3].map(() => openCheckpoint(url, { cache })));
  for (const source of sources) await source.close();
  expect(requests.filter((each) => each === 'GET model.safetensors')).toHaveLength(1);
  expect(await load()).not.toBe(first);
});

it('keeps its copy where the new one breaks off', async () => {
  const first = await load();
  files['model.safetensors'] = { body: weights(2), headers: { etag: '"w2"' } };
  misbehave.GET = (response) => response.writeHead(500).end();
  await expect(load()).rejects.toThrow(/answers 500/);
  expect(await load({ offline: true })).toBe(first);
});
