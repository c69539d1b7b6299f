/** Servers that lie: what they say never becomes a path, takes no more than was promised, and leads nowhere private. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileCache } from '../../src/adapters/node/file-cache';
import { isPrivateHost } from '../../src/adapters/node/private-address';
import { browserFileCache } from '../../src/adapters/browser/file-cache';
import { SegGptError } from '../../src/base/errors';
import { keySegments } from '../../src/checkpoints/cache-key';
import { parseHubId } from '../../src/checkpoints/hub';
import { openCheckpoint, type OpenOptions } from '../../src/checkpoints/open-checkpoint';
import { miniConfig, randomTensors, safetensors } from '../helpers/tiny-checkpoint';

const weights = Buffer.from(safetensors(randomTensors()));
const config = Buffer.from(JSON.stringify(miniConfig));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const commit = 'c'.repeat(40);
const siblings = [
  { rfilename: 'config.json', size: config.length },
  { rfilename: 'model.safetensors', lfs: { sha256: sha256(weights), size: weights.length } },
];

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
/** What the server does at paths that end so; else it is an honest hub. */
let answers: Record<string, Answer>;
const asked: IncomingMessage[] = [];
const server = createServer((request, response) => {
  asked.push(request);
  const path = (request.url ?? '').split('?')[0];
  const [, answer] = Object.entries(answers).find(([end]) => path.endsWith(end)) ?? [];
  if (answer) return answer(request, response);
  if (path.includes('/api/')) response.end(JSON.stringify({ sha: commit, siblings }));
  else if (path.endsWith('/config.json')) response.end(config);
  else if (path.endsWith('/model.safetensors')) response.end(weights);
  else response.writeHead(404).end();
});
let url: string;
let root: string;
let cache: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  answers = {};
  asked.length = 0;
  root = await mkdtemp(join(tmpdir(), 'seggpt-hostile-'));
  cache = join(root, 'a', 'b', 'c', 'cache');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const load = async (source = 'x/y', options: OpenOptions = {}) =>
  (await openCheckpoint(source, { cache, endpoint: url, ...options })).close();
/** The message of a load that fails, by an error of this package. */
async function refusal(source?: string, options?: OpenOptions): Promise<string> {
  const error: unknown = await load(source, options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SegGptError);
  return (error as Error).message;
}
const outside = async () =>
  (await readdir(root, { recursive: true })).filter(
    (name) => !`a/b/c/cache/`.startsWith(name.split('/cache')[0] + '/'),
  );

describe('what comes from a server and becomes a path', () => {
  it.each([
    '../../../../home/.ssh',
    '..',
    '.',
    '',
    'a/b',
    'a\0b',
    'x'.repeat(300),
    'C:',
    5,
    {},
    null,
  ])('a commit %j is refused', async (sha) => {
    answers['/revision/main'] = (_, response) => response.end(JSON.stringify({ sha, siblings }));
    expect(await refusal()).toContain('does not answer like a model hub');
    expect(await outside()).toEqual([]);
  });

  it.each([
    null,
    {},
    [null],
    [{ rfilename: 5 }],
    [{ rfilename: 'config.json', size: -1 }],
    [{ rfilename: 'config.json', lfs: { sha256: 5 } }],
    [{ rfilename: 'config.json', lfs: { sha256: '../..' } }],
  ])('files listed as %j are refused', async (listed) => {
    answers['/revision/main'] = (_, response) =>
      response.end(JSON.stringify({ sha: commit, siblings: listed }));
    expect(await refusal()).toContain('does not answer like a model hub');
  });

  it('a note of a branch that somebody wrote is asked for anew', async () => {
    await load();
    const [refs] = (await readdir(cache, { recursive: true })).filter((name) =>
      name.endsWith('refs/main'),
    );
    for (const text of ['null', '', '{"commit":5}', '{"commit":"../../x","files":[]}']) {
      await writeFile(join(cache, refs), text);
      await load();
      await writeFile(join(cache, refs), text);
      expect(await refusal('x/y', { offline: true })).toContain('not in the cache');
    }
  });

  it.each([
    '..',
    '.',
    '',
    '../x',
    'a/b',
    'a\\b',
    'a\0b',
    '%2e%2e%2fx',
    '?q=1',
    'x'.repeat(300),
    '.x',
  ])('a shard %j is refused', async (name) => {
    const index = Buffer.from(JSON.stringify({ weight_map: { t: name } }));
    answers['/model.safetensors'] = (_, response) => response.writeHead(404).end();
    answers['index.json'] = (_, response) => response.end(index);
    expect(await refusal(`${url}/m`)).toContain('no file beside it');
    const directory = join(root, 'local');
    await mkdir(directory);
    await writeFile(join(directory, 'config.json'), config);
    await writeFile(join(directory, 'model.safetensors.index.json'), index);
    expect(await refusal(directory)).toContain('no file beside it');
  });

  it.each(['a/b@..', 'a/b@.', 'a/..@main', '../b', 'a/b@x/../..', 'a/b@/x', 'a/b@x//y', 'a/.'])(
    'no hub id is %s',
    (id) => expect(parseHubId(id)).toBeNull(),
  );

  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', 'a/./b', 'a\\b', 'a\0', 'c:/x', ''])(
    'no cache has a key %j',
    async (key) => {
      expect(() => keySegments(key)).toThrow(SegGptError);
      for (const each of [nodeFileCache(cache), await browserFileCache()])
        if (each.place !== 'memory')
          await expect((async () => each.open(key))()).rejects.toThrow('no name for a file');
    },
  );

  it.each(['http://[x/y', 'http:///', 'http://%/'])('no address is %s', async (address) =>
    expect(await refusal(address)).toContain('is no URL'),
  );

  it('an endpoint that is no address is told', async () => {
    expect(await refusal('x/y', { endpoint: 'ftp://x' })).toContain('is no URL');
  });

  it('many slashes take no time in their square', async () => {
    const began = performance.now();
    await refusal(`${url}/${'/'.repeat(60_000)}x`);
    await refusal(`${url}/${'a'.repeat(60_000)}/m.pth`);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

describe('a cache', () => {
  it('keeps what one hub says apart from another', async () => {
    await load();
    const other = `${url}/mirror`;
    const before = asked.length;
    await load('x/y', { endpoint: other });
    expect(asked.slice(before).filter(({ url }) => url?.endsWith('.safetensors'))).toHaveLength(1);
  });

  const weightsIn = async () => {
    const names = await readdir(cache, { recursive: true });
    return join(cache, names.find((name) => name.endsWith('model.safetensors')) ?? '');
  };

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['was cut short', (bytes) => bytes.subarray(0, 500)],
    ['has a changed bit', (bytes) => bytes.fill(bytes[900] ^ 1, 900, 901)],
  ])('fetches a file anew that %s', async (_, damage) => {
    await load();
    const path = await weightsIn();
    await writeFile(path, damage(await readFile(path)));
    expect(await refusal('x/y', { offline: true })).toContain('as it was promised');
    await load();
    expect(sha256(await readFile(path))).toBe(sha256(weights));
    expect(asked.filter(({ url }) => url?.endsWith('.safetensors'))).toHaveLength(2);
    await load();
    expect(asked.filter(({ url }) => url?.endsWith('.safetensors'))).toHaveLength(2);
  });

  it('looks at a file once for each time it was written', async () => {
    await load();
    const path = await weightsIn();
    const { mtimeMs } = await stat(path);
    const key = path.slice(cache.length + 1);
    const note = () => nodeFileCache(cache).note(key);
    expect((await note())?.sum).toEqual({
      sha256: sha256(weights),
      size: weights.length,
      changed: mtimeMs,
    });
    const later = new Date(mtimeMs + 5000);
    await utimes(path, later, later);
    await load();
    expect((await note())?.sum?.changed).toBeCloseTo(later.getTime(), 1);
  });

  it('that cannot be written gives what it holds, and tells that the listing is not kept', async () => {
    await load();
    const refs = join(await weightsIn(), '..', '..', 'refs');
    await rm(refs, { recursive: true });
    await writeFile(refs, 'a file where the directory would be');
    const notes: (string | undefined)[] = [];
    await load('x/y', { onProgress: ({ note }) => notes.push(note) });
    expect(notes.join()).toMatch(/cannot be written .* is not kept/);
    expect(asked.filter(({ url }) => url?.endsWith('.safetensors'))).toHaveLength(1);
  });

  it('holds a URL to the sum that is promised, whatever was cached before', async () => {
    await load(`${url}/model.safetensors`);
    const promised = { 'model.safetensors': '0'.repeat(64) };
    expect(await refusal(`${url}/model.safetensors`, { sha256: promised })).toContain(
      'was promised',
    );
  });
});

describe('what is too much', () => {
  const pour = (response: ServerResponse) => {
    const piece = Buffer.alloc(1 << 20, 0x20);
    let sent = 0;
    const more = () => {
      while (sent < 200 << 20) {
        sent += piece.length;
        if (!response.write(piece)) return response.once('drain', more);
      }
      response.end('{}');
    };
    more();
    return () => sent;
  };

  it.each([
    ['a listing', '/revision/main'],
    ['a config', '/config.json'],
    ['weights of a listed size', '/model.safetensors'],
  ])('%s without an end is refused early', async (_, path) => {
    let sent = () => 0;
    answers[path] = (_, response) => void (sent = pour(response));
    expect(await refusal()).toMatch(/more than|bytes/);
    expect(sent()).toBeLessThan(60 << 20);
  });

  it('a size that no model has is refused before anything comes', async () => {
    answers['/model.safetensors'] = (_, response) =>
      response.writeHead(200, { 'content-length': 2 ** 45 }).write('x');
    expect(await refusal(`${url}/model.safetensors`)).toContain('at most');
  });
});

it('a part that is another than was asked for is never joined to what is there', async () => {
  const padded = Buffer.concat([weights, Buffer.alloc(1_000_000)]);
  let requests = 0;
  answers['/model.safetensors'] = (request, response) => {
    if (request.method === 'HEAD') return response.end();
    if (requests++ === 0) {
      response.writeHead(200, { etag: '"v"', 'content-length': padded.length });
      response.write(padded.subarray(0, 500_000));
      setTimeout(() => response.destroy(), 100);
      return;
    }
    const [from, end] = [250_000, padded.length - 250_000];
    response.writeHead(206, {
      etag: '"v"',
      'content-length': end - from,
      'content-range': `bytes ${from}-${end - 1}/${padded.length}`,
    });
    response.end(padded.subarray(from, end));
  };
  expect(await refusal(`${url}/m/model.safetensors`)).toContain('cannot be resumed at byte 500000');
});

describe('redirects', () => {
  const to = (location: string): Answer => {
    return (_, response) => response.writeHead(302, { location }).end();
  };

  it.each(['file:///etc/passwd', 'data:application/octet-stream;base64,AAAA', 'ftp://x/', '//['])(
    'are not followed to %s',
    async (location) => {
      answers['/model.safetensors'] = to(location);
      expect(await refusal()).toContain('not followed');
    },
  );

  it('are not followed in a circle', async () => {
    answers['/model.safetensors'] = (request, response) =>
      to(request.url as string)(request, response);
    expect(await refusal()).toContain('more than 20 times');
  });

  it('take no token to another origin, and may lead from a private address to another', async () => {
    const other = createServer((_, response) => response.end(weights));
    const heard: unknown[] = [];
    other.on('request', ({ headers }: IncomingMessage) => heard.push(headers.authorization));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    answers['/model.safetensors'] = to(
      `http://127.0.0.1:${(other.address() as AddressInfo).port}/w`,
    );
    await load('x/y', { token: 'secret' });
    expect(heard).toEqual([undefined]);
    expect(asked.at(-1)?.headers.authorization).toBe('Bearer secret');
    other.close();
  });

  it('do not lead from the internet to a private address', async () => {
    const real = globalThis.fetch;
    const followed: string[] = [];
    globalThis.fetch = (input) => {
      followed.push(String(input));
      return Promise.resolve(
        new Response(null, { status: 302, headers: { location: 'http://169.254.169.254/latest' } }),
      );
    };
    try {
      expect(await refusal('http://93.184.215.14/m/model.safetensors')).toContain(
        'from the internet to a private address',
      );
    } finally {
      globalThis.fetch = real;
    }
    expect(followed).toEqual(['http://93.184.215.14/m/model.safetensors']);
  });

  it.each<[string, boolean]>([
    ['127.0.0.1', true],
    ['localhost', true],
    ['10.1.2.3', true],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['169.254.169.254', true],
    ['0.0.0.0', true],
    ['239.1.1.1', true],
    ['8.8.8.8', false],
    ['[::1]', true],
    ['[::ffff:127.0.0.1]', true],
    ['[::ffff:8.8.8.8]', false],
    ['[fd00::1]', true],
    ['[fe80::1]', true],
    ['[2606:4700::1111]', false],
  ])('%s is private: %s', async (host, expected) => {
    expect(await isPrivateHost(host)).toBe(expected);
  });
});
