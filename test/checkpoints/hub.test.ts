import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint, type OpenOptions } from '../../src/checkpoints/open-checkpoint';
import { parseHubId } from '../../src/checkpoints/hub';
import type { Progress } from '../../src/base/progress';
import type { RandomAccess } from '../../src/checkpoints/random-access';
import { unlessAborted } from '../../src/base/abort';
import { AbortedError, DownloadError } from '../../src/base/errors';
import { fileStore } from '../../src/checkpoints/file-store';
import { miniConfig, randomTensors, safetensors } from '../helpers/tiny-checkpoint';

const weights = Buffer.from(safetensors(randomTensors()));
const config = Buffer.from(JSON.stringify(miniConfig));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A hub on this machine. `misbehave` may answer a request in its own way. */
class LocalHub {
  url = '';
  commit = 'c0ffee';
  misbehave: Handler = () => false;
  listed = { sha256: sha256(weights), size: weights.length };
  readonly requests: { method?: string; url: string; range?: string; authorization?: string }[] =
    [];
  private readonly server = createServer((request, response) => this.answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
  /** Requests for the weights' bytes. */
  get fetches() {
    return this.requests.filter(
      ({ method, url }) => method === 'GET' && url.includes('model.safetensors'),
    );
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '', headers } = request;
    this.requests.push({ method, url, range: headers.range, authorization: headers.authorization });
    if (this.misbehave(request, response)) return;
    if (url.startsWith('/api/models/owner/name/revision/')) {
      const siblings = [
        { rfilename: 'config.json', size: config.length },
        { rfilename: 'model.safetensors', size: weights.length, lfs: this.listed },
      ];
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ sha: this.commit, siblings }));
      return;
    }
    const path = url.split('?')[0];
    const file = path.endsWith('/config.json')
      ? config
      : path.endsWith('/model.safetensors')
        ? weights
        : null;
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    send(request, response, file);
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: Buffer,
  upTo = file.length,
): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.setHeader('etag', '"v1"');
  response.setHeader('content-length', file.length - from);
  if (from > 0) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${from}-${file.length - 1}/${file.length}`);
  }
  if (upTo >= file.length) response.end(file.subarray(from));
  else if (upTo <= from) response.destroy();
  else {
    response.write(file.subarray(from, upTo));
    cut = { response, at: upTo };
  }
}

/** A response that ends too early: once what was sent has arrived, however long that takes. */
let cut: { response: ServerResponse; at: number } | undefined;
const cutOff = ({ loaded }: Progress) => {
  if (cut && loaded >= cut.at) cut.response.destroy();
};

let hub: LocalHub;
let cache: string;
beforeEach(async () => {
  hub = new LocalHub();
  await hub.start();
  cache = await mkdtemp(join(tmpdir(), 'seggpt-cache-'));
});
afterEach(async () => {
  hub.stop();
  await rm(cache, { recursive: true, force: true });
});

const open = (source = 'owner/name', options: OpenOptions = {}) =>
  openCheckpoint(source, { cache, endpoint: hub.url, ...options });
const load = async (source?: string, options?: OpenOptions) => {
  const checkpoint = await open(source, options);
  const tensor = await checkpoint.read('decoder.decoder_embed.bias');
  await checkpoint.close();
  return tensor.data.length;
};
const files = async () =>
  (await readdir(cache, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

it('knows hub ids from paths', () => {
  expect(parseHubId('BAAI/seggpt-vit-large')).toEqual({
    repository: 'BAAI/seggpt-vit-large',
    revision: 'main',
  });
  expect(parseHubId('a/b@v1.0')).toEqual({ repository: 'a/b', revision: 'v1.0' });
  for (const path of ['./a', '/a/b', 'a', 'a/b/c', 'dir/model.safetensors', '../b', 'a/../b'])
    expect(parseHubId(path)).toBeNull();
});

it('downloads once, with progress, and works offline afterwards', async () => {
  const steps: Progress[] = [];
  expect(await load(undefined, { onProgress: (step) => steps.push(step) })).toBe(1024);
  const last = steps.filter(({ file }) => file === 'model.safetensors').at(-1);
  expect(last).toEqual({
    stage: 'download',
    file: 'model.safetensors',
    loaded: weights.length,
    total: weights.length,
  });
  expect(hub.fetches).toHaveLength(1);
  await load();
  expect(hub.fetches).toHaveLength(1);
  hub.stop();
  expect(await load(undefined, { offline: true })).toBe(1024);
  await expect(load('owner/other')).rejects.toThrow(/cannot be reached/);
});

it('asks the hub about a branch at every load, and does without where the hub does not answer', async () => {
  const notes: (string | undefined)[] = [];
  const onProgress = ({ note }: Progress) => void (note && notes.push(note));
  await load();
  const listings = () => hub.requests.filter(({ url }) => url.startsWith('/api/'));
  await load(undefined, { onProgress });
  expect(listings()).toHaveLength(2);
  // The branch moves on: its commit is fetched.
  hub.commit = 'decade';
  await load(undefined, { onProgress });
  expect(hub.fetches).toHaveLength(2);
  expect(hub.fetches[1].url).toBe('/owner/name/resolve/decade/model.safetensors');
  expect(notes).toEqual([]);
  // An ill hub and none at all leave what it said last.
  hub.misbehave = (_, response) => (response.writeHead(503).end(), true);
  expect(await load(undefined, { onProgress })).toBe(1024);
  expect(notes).toEqual([
    'owner/name@main: the hub answers 503 Service Unavailable. What the cache holds of owner/name@main is used.',
  ]);
  hub.stop();
  expect(await load(undefined, { onProgress })).toBe(1024);
  expect(notes[1]).toMatch(
    /cannot be reached .* What the cache holds of owner\/name@main is used\.$/,
  );
  expect(hub.fetches).toHaveLength(2);
});

it('takes the answer of a hub that refuses, whatever the cache holds', async () => {
  await load();
  for (const [status, message] of [
    [401, /refuses access/],
    [404, /knows no such model/],
  ] as const) {
    hub.misbehave = (_, response) => (response.writeHead(status).end(), true);
    await expect(load()).rejects.toThrow(message);
  }
});

it('asks nothing about a full commit hash that it knows', async () => {
  hub.commit = 'c0ffee'.repeat(7).slice(0, 40);
  const pinned = `owner/name@${hub.commit}`;
  await load(pinned);
  const asked = hub.requests.length;
  expect(await load(pinned)).toBe(1024);
  expect(hub.requests).toHaveLength(asked);
  // A file that the cache lost is fetched by what the hub listed then, and verified.
  const weightsPath = join(
    cache,
    'http',
    hub.url.slice(7).replace(':', '_'),
    'owner--name',
    hub.commit,
    'model.safetensors',
  );
  await rm(weightsPath);
  expect(await load(pinned)).toBe(1024);
  expect(hub.requests.slice(asked).map(({ url }) => url)).toEqual([
    `/owner/name/resolve/${hub.commit}/model.safetensors`,
  ]);
});

it('goes on where the connection broke', async () => {
  const cuts = [700, 1500, 2200];
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors') || cuts.length === 0) return false;
    send(request, response, weights, cuts.shift());
    return true;
  };
  expect(await load(undefined, { onProgress: cutOff })).toBe(1024);
  expect(hub.fetches.map(({ range }) => range)).toEqual([
    undefined,
    'bytes=700-',
    'bytes=1500-',
    'bytes=2200-',
  ]);
});

it('keeps what came of a download that was given up, and goes on from there in the next', async () => {
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors')) return false;
    const begun = request.headers.range !== undefined;
    send(request, response, weights, begun ? 0 : 900);
    return true;
  };
  await expect(load(undefined, { onProgress: cutOff })).rejects.toThrow(
    /broke off at byte 900 of .*run it again/,
  );
  hub.misbehave = () => false;
  expect(await load()).toBe(1024);
  expect(hub.fetches.at(-1)?.range).toBe('bytes=900-');
}, 60_000);

it('starts anew when the file on the server has changed meanwhile', async () => {
  const abort = new AbortController();
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors')) return false;
    response
      .setHeader('etag', '"old"')
      .setHeader('content-length', weights.length)
      .write(weights.subarray(0, 500));
    return true;
  };
  const onProgress = ({ file }: Progress) => file === 'model.safetensors' && abort.abort();
  await expect(load(undefined, { signal: abort.signal, onProgress })).rejects.toThrow(AbortedError);
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors') || request.headers['if-range'] !== '"old"')
      return false;
    delete request.headers.range; // If-Range does not match: the whole file comes
    send(request, response, weights);
    return true;
  };
  expect(await load()).toBe(1024);
  expect(hub.fetches.map(({ range }) => range)).toEqual([undefined, 'bytes=500-']);
});

it('does not join parts of two versions whose ETags are weak', async () => {
  const url = `${hub.url}/some/model`;
  /** Makes a response's ETag weak. */
  const weak = (response: ServerResponse, version: string) => {
    const set = response.setHeader.bind(response);
    response.setHeader = (name, value) => set(name, name === 'etag' ? `W/"${version}"` : value);
    return false;
  };
  hub.misbehave = (request, response) => {
    weak(response, 'old');
    if (!request.url?.endsWith('model.safetensors') || request.method === 'HEAD') return false;
    send(request, response, Buffer.alloc(weights.length, 1), request.headers.range ? 0 : 900);
    return true;
  };
  await expect(load(url, { onProgress: cutOff })).rejects.toThrow(/broke off at byte 900/);
  hub.misbehave = (_, response) => weak(response, 'new');
  expect(await load(url)).toBe(1024);
}, 60_000);

it('refuses a file of another hash or size than promised, and keeps none of it', async () => {
  hub.listed = { sha256: sha256(config), size: weights.length };
  await expect(load()).rejects.toThrow(/SHA-256 .* was promised; it was not kept/);
  expect(await files()).not.toContain('model.safetensors');
  expect(await files()).not.toContain('model.safetensors.part');
  hub.listed = { sha256: sha256(weights), size: weights.length + 1 };
  await expect(load()).rejects.toThrow(/should have \d+ bytes, but \d+ came/);
});

it('does not take a connection that ends early for the whole file', async () => {
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors')) return false;
    response.setHeader('etag', '"v1"').setHeader('transfer-encoding', 'chunked');
    response.end(weights.subarray(0, 1000));
    return true;
  };
  await expect(load()).rejects.toThrow(DownloadError);
});

it('says what to do on 401, 403, 404 and 500', async () => {
  for (const [status, message] of [
    [401, /set the option token or HF_TOKEN/],
    [403, /refuses access \(403\)/],
    [404, /knows no such model/],
    [500, /answers 500/],
  ] as const) {
    hub.misbehave = (_, response) => (response.writeHead(status).end(), true);
    await expect(load()).rejects.toThrow(message);
  }
  hub.misbehave = (request, response) =>
    request.url?.endsWith('.safetensors') === true && (response.writeHead(403).end(), true);
  await expect(load()).rejects.toThrow(/answers 403 .*a token may be needed/);
  hub.misbehave = (_, response) => (response.end('<html>'), true);
  await expect(load()).rejects.toThrow(/does not answer like a model hub/);
});

it('follows redirects, and sends the token to the hub alone', async () => {
  const elsewhere = new LocalHub();
  await elsewhere.start();
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors')) return false;
    response
      .writeHead(302, {
        location: `${elsewhere.url.replace('127.0.0.1', 'localhost')}/files/model.safetensors`,
      })
      .end();
    return true;
  };
  expect(await load(undefined, { token: 'secret' })).toBe(1024);
  expect(hub.fetches[0].authorization).toBe('Bearer secret');
  expect(elsewhere.fetches).toEqual([
    { method: 'GET', url: '/files/model.safetensors', range: undefined, authorization: undefined },
  ]);
  elsewhere.stop();
});

it('honours HF_ENDPOINT and HF_TOKEN', async () => {
  process.env.HF_ENDPOINT = hub.url;
  process.env.HF_TOKEN = 'from-environment';
  try {
    expect(await load('owner/name', { endpoint: undefined })).toBe(1024);
    expect(
      hub.requests.every(({ authorization }) => authorization === 'Bearer from-environment'),
    ).toBe(true);
  } finally {
    delete process.env.HF_ENDPOINT;
    delete process.env.HF_TOKEN;
  }
});

it('loads from a base URL and from the URL of a file, checking a given SHA-256', async () => {
  expect(await load(`${hub.url}/some/model/`)).toBe(1024);
  expect(await load(`${hub.url}/other/model.safetensors`)).toBe(1024);
  await expect(
    load(`${hub.url}/third`, { sha256: { 'model.safetensors': '00'.repeat(32) } }),
  ).rejects.toThrow(/was promised/);
  await expect(load(`${hub.url}/some/model/nothing.safetensors`)).rejects.toThrow(/answers 404/);
});

it('does not take a download for whole whose length nobody told and whose rest was refused', async () => {
  let asked = 0;
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors') || request.method === 'HEAD') return false;
    if (asked++ > 0) response.writeHead(503).end();
    else {
      response.setHeader('etag', '"v1"').setHeader('transfer-encoding', 'chunked');
      response.write(weights.subarray(0, 1000));
      cut = { response, at: 1000 };
    }
    return true;
  };
  const url = `${hub.url}/some/model`;
  await expect(load(url, { onProgress: cutOff })).rejects.toThrow(/broke off at byte 1000/);
  expect(await files()).not.toContain('model.safetensors');
  hub.misbehave = () => false;
  expect(await load(url)).toBe(1024);
}, 60_000);

it('fetches a file once for calls that overlap, and one that is aborted stops none of the others', async () => {
  expect(await Promise.all([load(), load(), load()])).toEqual([1024, 1024, 1024]);
  expect(hub.fetches).toHaveLength(1);
  const abort = new AbortController();
  const url = `${hub.url}/some/model`;
  let second: Promise<number> | undefined;
  const onProgress = ({ file }: Progress) => {
    if (file !== 'model.safetensors' || second) return;
    second = load(url);
    abort.abort();
  };
  await expect(load(url, { signal: abort.signal, onProgress })).rejects.toThrow(AbortedError);
  expect(await second).toBe(1024);
});

it('leaves the part of a file to the process that writes it, and takes over from a dead one', async () => {
  const directory = join(
    cache,
    'http',
    hub.url.slice(7).replace(':', '_'),
    'owner--name',
    'c0ffee',
  );
  const part = join(directory, 'model.safetensors.part');
  await mkdir(directory, { recursive: true });
  await writeFile(part, weights.subarray(0, 300));
  await writeFile(`${part}.version`, '"v1"');
  await writeFile(`${part}.lock`, `${process.ppid} ${hostname()} somebody`);
  expect(await load()).toBe(1024);
  expect(hub.fetches.map(({ range }) => range)).toEqual([undefined]);
  expect((await readFile(part)).length).toBe(300);
  await rm(join(directory, 'model.safetensors'));
  await writeFile(`${part}.lock`, `999999999 ${hostname()} nobody`);
  expect(await load()).toBe(1024);
  expect(hub.fetches.at(-1)?.range).toBe('bytes=300-');
  expect((await files()).filter((name) => name.includes('.part'))).toEqual([]);
});

it("leaves a branch's note to the process that writes it", async () => {
  const refs = join(cache, 'http', hub.url.slice(7).replace(':', '_'), 'owner--name', 'refs');
  const part = join(refs, 'main.part');
  await mkdir(refs, { recursive: true });
  await writeFile(part, '{"comm');
  await writeFile(`${part}.lock`, `${process.ppid} ${hostname()} somebody`);
  expect(await load()).toBe(1024);
  expect(await readFile(part, 'utf8')).toBe('{"comm');
});

it('holds no lock on a file whose request was refused', async () => {
  hub.misbehave = (request, response) =>
    request.url?.endsWith('.safetensors') === true && (response.writeHead(500).end(), true);
  await expect(load()).rejects.toThrow(/answers 500/);
  expect((await files()).filter((name) => name.includes('.part'))).toEqual([]);
});

it('asks for files with the query of their URL, and keeps them apart by it', async () => {
  for (const query of ['?signature=model.safetensors', '?signature=other', '?signature=other'])
    expect(await load(`${hub.url}/some/model.safetensors${query}`)).toBe(1024);
  expect(hub.requests.every(({ url }) => url.includes('?signature='))).toBe(true);
  const fetched = hub.fetches.filter(({ url }) => url.startsWith('/some/model.safetensors'));
  expect(fetched.map(({ url }) => url)).toEqual([
    '/some/model.safetensors?signature=model.safetensors',
    '/some/model.safetensors?signature=other',
  ]);
  expect((await readdir(cache, { recursive: true })).join()).not.toContain('signature');
});

it('tells a file that is absent from a server that is ill, and from one without HEAD', async () => {
  const preprocessor = Buffer.from(JSON.stringify({ size: { height: 64, width: 64 } }));
  const answering = (status: number) => (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.endsWith('/preprocessor_config.json')) return false;
    if (request.method === 'HEAD') response.writeHead(status).end();
    else send(request, response, preprocessor);
    return true;
  };
  hub.misbehave = answering(503);
  await expect(load(`${hub.url}/one`)).rejects.toThrow(/answers 503 .*try again later/);
  hub.misbehave = answering(401);
  await expect(load(`${hub.url}/one`)).rejects.toThrow(/answers 401 .*a token may be needed/);
  for (const [status, expected] of [
    [405, { size: { height: 64, width: 64 } }],
    [404, null],
    [403, null],
  ] as const) {
    hub.misbehave = answering(status);
    const checkpoint = await open(`${hub.url}/${status}/model.safetensors`);
    expect(checkpoint.preprocessor).toEqual(expected);
    await checkpoint.close();
  }
});

it('reads the configurations that lie beside a file', async () => {
  await writeFile(join(cache, 'some.safetensors'), weights);
  await writeFile(join(cache, 'config.json'), config);
  await writeFile(join(cache, 'preprocessor_config.json'), '{"size": {"height": 64, "width": 64}}');
  const checkpoint = await open(join(cache, 'some.safetensors'));
  expect(checkpoint.config).toEqual(JSON.parse(config.toString()));
  expect(checkpoint.preprocessor).toEqual({ size: { height: 64, width: 64 } });
  await checkpoint.close();
});

it('stops at once when it is aborted', async () => {
  const abort = new AbortController();
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('model.safetensors')) return false;
    response
      .setHeader('content-length', weights.length)
      .write(weights.subarray(0, 100), () => setTimeout(() => abort.abort(), 20));
    return true; // and never ends
  };
  await expect(load(undefined, { signal: abort.signal })).rejects.toThrow(AbortedError);
});

it('waits for no other call, and leaves no file open, once it is aborted', async () => {
  const abort = new AbortController();
  abort.abort();
  const never = new Promise(() => undefined);
  await expect(unlessAborted(never, abort.signal)).rejects.toThrow(AbortedError);

  await load();
  const late = new AbortController();
  const real = await fileStore.cache(cache);
  const left = new Set<RandomAccess>();
  let opened = 0;
  const open = async (key: string) => {
    const access = await real.open(key);
    if (!access) return null;
    // The first time asks whether it is there.
    if (key.endsWith('model.safetensors') && ++opened === 2) late.abort();
    left.add(access);
    return { ...access, close: () => (left.delete(access), access.close()) };
  };
  const spy = jest.spyOn(fileStore, 'cache').mockResolvedValue({ ...real, open });
  try {
    await expect(load(undefined, { signal: late.signal })).rejects.toThrow(AbortedError);
    await new Promise(setImmediate);
    expect([opened, left.size]).toEqual([2, 0]);
  } finally {
    spy.mockRestore();
  }
});

it('says so when it is offline and has nothing', async () => {
  await expect(load(undefined, { offline: true })).rejects.toThrow(/not in the cache .*offline/);
  expect(hub.requests).toHaveLength(0);
});
