/** Listing and clearing what was downloaded, in Node's directory, in Cache Storage and in memory. */
import type * as crypto from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserFileCache } from '../../src/adapters/browser/file-cache';
import { nodeFileCache } from '../../src/adapters/node/file-cache';
import { DownloadError } from '../../src/base/errors';
import type { FileCache, FileNote } from '../../src/checkpoints/file-cache';
import { fileStore } from '../../src/checkpoints/file-store';
import { clearCachedModels, listCachedModels } from '../../src/entries/checkpoints';

// Jest cannot require what is an ES module only; browsers get it bundled.
jest.mock('@noble/hashes/sha2.js', () => ({
  sha256: { create: () => jest.requireActual<typeof crypto>('node:crypto').createHash('sha256') },
}));
jest.mock('@noble/hashes/utils.js', () => ({
  bytesToHex: (bytes: Uint8Array) => Buffer.from(bytes).toString('hex'),
}));

/** As much of Cache Storage as is used. */
class FakeCacheStorage {
  private readonly responses = new Map<string, { body: ArrayBuffer; headers: Headers }>();
  readonly open = () => Promise.resolve(this);
  async put(url: string, response: Response) {
    const { headers } = response;
    this.responses.set(url, { body: await response.arrayBuffer(), headers });
  }
  match(url: string) {
    const found = this.responses.get(url);
    return Promise.resolve(found && new Response(found.body, { headers: found.headers }));
  }
  keys = () => Promise.resolve([...this.responses.keys()].map((url) => ({ url })));
  delete = (url: string) => Promise.resolve(this.responses.delete(url));
}

let directory: string;
let cache: FileCache;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'seggpt-cache-'))));
afterEach(async () => {
  jest.restoreAllMocks();
  Reflect.deleteProperty(globalThis, 'caches');
  await rm(directory, { recursive: true, force: true });
});

async function put(key: string, bytes: number, note: FileNote): Promise<void> {
  const pieces = (async function* () {
    yield await Promise.resolve(new Uint8Array(bytes));
  })();
  const incoming = { pieces, append: false, version: '', note, verify: () => undefined };
  await cache.store(key, () => Promise.resolve(incoming));
}

/** Two commits of a hub's model, one of another, and one from a URL. */
async function fill(): Promise<void> {
  const [old, main] = ['a/b@000', 'a/b@111'];
  await put('a--b/000/model.safetensors', 10, { model: old });
  await put('a--b/111/config.json', 2, { model: main });
  await put('a--b/111/model.safetensors', 20, { model: main, etag: '"ä"' });
  await put('a--b/refs/main', 3, { model: main, revision: 'main' });
  await put('c--d/222/model.safetensors', 40, { model: 'c/d@222' });
  await put('h.org_8080/m/model.pth', 80, { model: 'http://h.org:8080/m' });
}

const listed = async () =>
  (await listCachedModels({ cache: directory })).map(({ model, size }) => [model, size]);
const clear = async (filter?: Parameters<typeof clearCachedModels>[0]) =>
  (await clearCachedModels(filter, { cache: directory })).map(({ model }) => model);

describe.each<[string, () => Promise<FileCache>]>([
  ['a directory', () => Promise.resolve(nodeFileCache(directory))],
  [
    'Cache Storage',
    () => {
      Object.assign(globalThis, { caches: new FakeCacheStorage() });
      return browserFileCache();
    },
  ],
  ['memory', browserFileCache],
])('in %s', (_, create) => {
  beforeEach(async () => {
    cache = await create();
    jest.spyOn(fileStore, 'cache').mockResolvedValue(cache);
    await clear();
  });

  it('lists models with their bytes, dates, branches and files', async () => {
    expect(await listed()).toEqual([]);
    const before = Date.now() - 2000; // file systems round
    await fill();
    expect(await listed()).toEqual([
      ['a/b@000', 10],
      ['a/b@111', 25],
      ['c/d@222', 40],
      ['http://h.org:8080/m', 80],
    ]);
    const [, main, , url] = await listCachedModels();
    expect(main).toMatchObject({ revisions: ['main'], partial: false });
    expect(main.stored.getTime()).toBeGreaterThan(before);
    expect(main.stored.getTime()).toBeLessThanOrEqual(Date.now() + 2000);
    expect([...main.files].sort((a, b) => a.size - b.size)).toEqual([
      { key: 'a--b/111/config.json', size: 2 },
      { key: 'a--b/refs/main', size: 3 },
      { key: 'a--b/111/model.safetensors', size: 20 },
    ]);
    expect(url.revisions).toEqual([]);
    expect(await cache.note('a--b/111/model.safetensors')).toMatchObject({
      model: 'a/b@111',
      etag: '"ä"',
    });
  });

  it.each<[string, Parameters<typeof clearCachedModels>[0], string[]]>([
    ['all', undefined, ['a/b@000', 'a/b@111', 'c/d@222', 'http://h.org:8080/m']],
    ['every commit of a name', 'a/b', ['a/b@000', 'a/b@111']],
    ['a commit', 'a/b@000', ['a/b@000']],
    ['a branch', 'a/b@main', ['a/b@111']],
    ['the URL of a directory', 'http://h.org:8080/m/', ['http://h.org:8080/m']],
    ['the URL of a file', 'http://h.org:8080/m/model.pth?x=1', ['http://h.org:8080/m']],
    ['what a function says', ({ size }) => size > 30, ['c/d@222', 'http://h.org:8080/m']],
    ['nothing', 'a', []],
  ])('clears %s', async (_, filter, expected) => {
    await fill();
    const all = (await listed()).map(([model]) => model);
    expect((await clear(filter)).sort()).toEqual(expected);
    expect((await listed()).map(([model]) => model)).toEqual(
      all.filter((model) => !expected.includes(String(model))),
    );
    for (const key of ['a--b/000/model.safetensors', 'c--d/222/model.safetensors']) {
      const access = await cache.open(key);
      await access?.close();
      const gone = expected.includes(key.startsWith('a') ? 'a/b@000' : 'c/d@222');
      expect(access === null).toBe(gone);
    }
  });
});

describe('of a directory', () => {
  beforeEach(() => {
    cache = nodeFileCache(directory);
  });

  it('touches nothing that the cache did not put there', async () => {
    await fill();
    await writeFile(join(directory, 'photo.jpg'), 'mine');
    await writeFile(join(directory, 'c--d', '222', 'notes.txt'), 'mine');
    await writeFile(join(directory, 'a--b', 'unknown.part'), 'mine');
    expect(await clear()).toHaveLength(4);
    expect((await readdir(directory, { recursive: true })).sort()).toEqual([
      ...['a--b', 'a--b/unknown.part', 'c--d', 'c--d/222', 'c--d/222/notes.txt', 'photo.jpg'],
    ]);
  });

  it('counts downloads that broke off, and leaves those that another process goes on with', async () => {
    await fill();
    const part = join(directory, 'c--d', '222', 'more.safetensors.part');
    await writeFile(part, new Uint8Array(7));
    await writeFile(`${part}.version`, '"v1"');
    const lonely = join(directory, 'e--f', '333', 'model.safetensors.part');
    await mkdir(join(lonely, '..'), { recursive: true });
    await writeFile(lonely, new Uint8Array(5));
    await writeFile(`${lonely}.version`, '"v1"');
    const models = await listCachedModels({ cache: directory });
    expect(models.filter(({ partial }) => partial)).toMatchObject([
      { model: 'c/d@222', size: 47 },
      { model: 'e--f/333', size: 5 },
    ]);
    await writeFile(`${part}.lock`, `${process.ppid} ${(await import('node:os')).hostname()} x`);
    await clear();
    expect((await readdir(directory, { recursive: true })).sort()).toEqual([
      'c--d',
      'c--d/222',
      ...['', '.lock', '.version'].map((end) => `c--d/222/more.safetensors.part${end}`),
    ]);
    await rm(`${part}.lock`);
    await clear();
    expect(await readdir(directory)).toEqual([]);
  });

  it('takes a damaged note for none', async () => {
    await fill();
    await writeFile(join(directory, 'c--d', '222', 'model.safetensors.seggpt.json'), '{"mod');
    expect(await cache.note('c--d/222/model.safetensors')).toBeNull();
    expect(await listed()).toHaveLength(3);
  });

  it('says what to do where it cannot be written', async () => {
    await fill();
    // A directory in a file's place cannot be removed as one; root may do everything else.
    const path = join(directory, 'c--d', '222', 'model.safetensors');
    await rm(path);
    await mkdir(join(path, 'deeper'), { recursive: true });
    const [file] = (await cache.list()).filter(({ key }) => key.startsWith('a--b/000'));
    const failing = cache.remove({ ...file, key: 'c--d/222/model.safetensors' });
    await expect(failing).rejects.toThrow(DownloadError);
    await expect(failing).rejects.toThrow(/cannot be written .*option cache/);
  });
});
