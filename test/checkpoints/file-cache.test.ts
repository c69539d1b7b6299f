import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Incoming } from '../../src/checkpoints/file-cache';
import { nodeFileCache } from '../../src/platform/node-file-cache';

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
  verify: ({ size }) => expect(size).toBe(text.length),
  ...change,
});

it('keeps the pieces of two writers of one file apart', async () => {
  const write = (text: string) =>
    nodeFileCache(directory).store('model/file', () => Promise.resolve(incoming(text)));
  await Promise.all([write('abcdefgh'), write('12345')]);
  expect(await readdir(join(directory, 'model'))).toEqual(['file']);
  expect(await readFile(join(directory, 'model', 'file'), 'utf8')).toMatch(/^(abcdefgh|12345)$/);
});
