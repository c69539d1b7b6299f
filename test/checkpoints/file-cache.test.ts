import type * as crypto from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Incoming } from '../../src/checkpoints/file-cache';
import { DownloadError } from '../../src/base/errors';
import { browserFileCache } from '../../src/adapters/browser/file-cache';
import { nodeFileCache } from '../../src/adapters/node/file-cache';

// Jest cannot require what is an ES module only; browsers get it bundled.
jest.mock('@noble/hashes/sha2.js', () => ({
  sha256: { create: () => jest.requireActual<typeof crypto>('node:crypto').createHash('sha256') },
}));
jest.mock('@noble/hashes/utils.js', () => ({
  bytesToHex: (bytes: Uint8Array) => Buffer.from(bytes).toString('hex'),
}));

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'seggpt-cache-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A transfer of a text, piece by piece. */
const incoming = (text: string, change: Partial<Incoming> = {}): Incoming => ({
  pieces: (async function* () {
    for (const letter of text) yield await Promise.resolve(Buffer.from(letter));
  })(),
  append: false,
  version: '"v1"',
  note: { model: 'owner/name@c0ffee' },
  verify: ({ size }) => expect(size).toBe(text.length),
  ...change,
});

it('keeps the pieces of two writers of one file apart', async () => {
  const write = (text: string) =>
    nodeFileCache(directory).store('model/file', () => Promise.resolve(incoming(text)));
  await Promise.all([write('abcdefgh'), write('12345')]);
  expect(await readdir(join(directory, 'model'))).toEqual(['file', 'file.seggpt.json']);
  expect(await readFile(join(directory, 'model', 'file'), 'utf8')).toMatch(/^(abcdefgh|12345)$/);
});

describe('a lock that another process left', () => {
  const begun = 'abc';
  let part: string;
  beforeEach(async () => {
    part = join(directory, 'model', 'file.part');
    await mkdir(join(directory, 'model'));
    await writeFile(part, begun);
    await writeFile(`${part}.version`, '"v1"');
  });
  /** What a transfer that goes on from there is told to be kept. */
  const resumed = async () => {
    let told: unknown;
    await nodeFileCache(directory).store('model/file', (kept) => {
      told = kept;
      const change = kept ? { append: true, verify: () => undefined } : {};
      return Promise.resolve(incoming('abcdef'.slice(kept?.size ?? 0), change));
    });
    expect(await readFile(join(directory, 'model', 'file'), 'utf8')).toBe('abcdef');
    return told;
  };
  const age = async (seconds: number) => {
    const then = new Date(Date.now() - seconds * 1000);
    for (const path of [part, `${part}.lock`]) await utimes(path, then, then);
  };

  it('is taken over when its process is dead', async () => {
    await writeFile(`${part}.lock`, `999999999 ${hostname()} nobody`);
    expect(await resumed()).toEqual({ size: 3, version: '"v1"' });
    expect(await readdir(join(directory, 'model'))).toEqual(['file', 'file.seggpt.json']);
  });

  it('is taken over by one of several that see it at once', async () => {
    await writeFile(`${part}.lock`, `999999999 ${hostname()} nobody`);
    const told = await Promise.all(Array.from({ length: 8 }, resumed));
    expect(told.filter((kept) => kept !== null)).toHaveLength(1);
    expect(await readdir(join(directory, 'model'))).toEqual(['file', 'file.seggpt.json']);
  });

  it.each(['1 another-host somebody', ''])(
    'signed "%s" is left alone as long as something is written',
    async (holder) => {
      await writeFile(`${part}.lock`, holder);
      await age(60);
      expect(await resumed()).toBeNull();
      expect((await stat(part)).size).toBe(begun.length);
      await age(3600);
      expect(await resumed()).toEqual({ size: 3, version: '"v1"' });
    },
  );
});

describe('when a file cannot be stored', () => {
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('says what to do about a directory that cannot be written', async () => {
    await writeFile(join(directory, 'file'), '');
    const cache = nodeFileCache(join(directory, 'file'));
    const failure = await failureOf(cache.store('a/b', () => Promise.resolve(incoming('abc'))));
    expect(failure).toBeInstanceOf(DownloadError);
    expect((failure as Error).message).toMatch(/cannot be written \(ENOTDIR.*option cache/);
  });

  it('says what to do about a browser without room', async () => {
    const put = () => Promise.reject(new Error('Quota exceeded.'));
    const full = { open: () => Promise.resolve({ put, delete: () => Promise.resolve(false) }) };
    Object.assign(globalThis, { caches: full });
    try {
      const cache = await browserFileCache();
      const failure = await failureOf(cache.store('a/b', () => Promise.resolve(incoming('abc'))));
      expect(failure).toBeInstanceOf(DownloadError);
      expect((failure as Error).message).toMatch(/Quota exceeded.*free storage/);
    } finally {
      Reflect.deleteProperty(globalThis, 'caches');
    }
  });

  it('hands on what a callback of the caller or the transfer throws', async () => {
    const thrown = new Error('of the caller');
    const breaking = async function* () {
      yield await Promise.resolve(Buffer.from('a'));
      throw thrown;
    };
    for (const cache of [nodeFileCache(directory), await browserFileCache()]) {
      const store = cache.store('a/b', () =>
        Promise.resolve(incoming('ab', { pieces: breaking() })),
      );
      expect(await failureOf(store)).toBe(thrown);
    }
  });
});
