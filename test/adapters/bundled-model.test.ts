import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { bundledAt, FILES } from '../../src/adapters/bundled-model';
import { findBundledModel as inBrowser } from '../../src/adapters/browser/bundled-model';
import { findBundledModel as inNode } from '../../src/adapters/node/bundled-model';

it.each(['seggpt', 'sam'] as const)(
  'the sum that is promised is that of %s weights',
  async (name) => {
    const bytes = await readFile(`weights/${FILES[name]}`);
    const { sha256 } = bundledAt(name, 'anywhere');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  },
);

it('Node finds the weights of the package, with their configuration', async () => {
  const { location, config, preprocessor } = inNode('seggpt');
  expect(location.endsWith('/weights/model.safetensors')).toBe(true);
  expect(config).toEqual(JSON.parse(await readFile('weights/config.json', 'utf8')));
  expect(preprocessor).toEqual(
    JSON.parse(await readFile('weights/preprocessor_config.json', 'utf8')),
  );
  const sam = inNode('sam');
  expect(sam.location.endsWith('/weights/sam/model.safetensors')).toBe(true);
  expect(sam.config).toEqual(JSON.parse(await readFile('weights/sam/config.json', 'utf8')));
});

describe('browsers', () => {
  const answers = new Map<string, Response | Error>();
  const asked: string[] = [];
  const before = globalThis.fetch;
  beforeEach(() => {
    answers.clear();
    asked.length = 0;
    Object.defineProperty(globalThis, 'location', {
      value: { href: 'https://app.example/page' },
      configurable: true,
    });
    globalThis.fetch = ((url: string) => {
      asked.push(url);
      const answer = answers.get(url) ?? new Response(null, { status: 404 });
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    }) as typeof fetch;
  });
  afterEach(() => {
    globalThis.fetch = before;
    delete (globalThis as { location?: unknown }).location;
  });
  const beside = 'https://app.example/seggpt-weights/model.safetensors';

  it('take what is served beside the page where the module is a file', async () => {
    answers.set(beside, new Response(null));
    expect((await inBrowser('seggpt')).location).toBe(beside);
  });

  it('are not fooled by a page that answers for every path', async () => {
    answers.set(beside, new Response('<html>', { headers: { 'content-type': 'text/html' } }));
    await expect(inBrowser('seggpt')).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(
        /copy node_modules\/seggpt\/weights to a directory "seggpt-weights"/,
      ) as string,
    });
    expect(asked).toContain(beside);
  });

  it('trust a server that knows no HEAD', async () => {
    answers.set(beside, new Response(null, { status: 405 }));
    expect((await inBrowser('seggpt')).location).toBe(beside);
  });

  it('go on where a server cannot be reached', async () => {
    answers.set(beside, new TypeError('refused'));
    await expect(inBrowser('seggpt')).rejects.toThrow(beside);
  });
});
