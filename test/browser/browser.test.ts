import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { InContextSegmenter, InteractiveSegmenter, type Quality } from '../../src';
import { ffmpegPath } from '../../src/adapters/node/ffmpeg';

interface Segmented {
  engine: string;
  leaked: number;
  labels: number[];
  png: number;
  isolated: boolean;
}

/** What `page.ts` puts into the page. */
declare const window: {
  page: {
    segment(backend: string): Promise<Segmented>;
    bundled(): Promise<{
      labels: number[];
      clicked: number[];
      milliseconds: number;
      bytes: number;
    }>;
    drawables(): Promise<Record<string, number>>;
    cached(): Promise<{
      keys: string[];
      asked: number;
      bodies: number;
      listed: { model: string; size: number }[];
      cleared: number;
      left: number;
    }>;
    video(url: string): Promise<{ sizes: string[]; failure: string }>;
    failures(): Promise<Record<string, string>>;
  };
};

jest.setTimeout(240_000);

const executablePath = ['/usr/bin/chromium', process.env.CHROMIUM ?? ''].find(
  (path) => path && existsSync(path),
);
const test = executablePath ? it : it.skip;
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

let browser: Browser;
const servers: Server[] = [];

/** Serves the project's files and the bundled page, cross-origin isolated or not. */
async function serve(script: string, isolated: boolean): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url ?? '/', 'http://x').pathname;
      if (isolated) {
        response.setHeader('cross-origin-opener-policy', 'same-origin');
        response.setHeader('cross-origin-embedder-policy', 'require-corp');
      }
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      if (path === '/index.html')
        return response.end('<!doctype html><script type="module" src="/page.js"></script>');
      if (path === '/page.js') return response.end(script);
      const file = join(process.cwd(), path.replace('/weights2/', '/weights/'));
      response.end(await readFile(file).catch(() => (response.writeHead(404), '')));
    })();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.html`;
}

let isolatedUrl: string;
let plainUrl: string;

beforeAll(async () => {
  if (!executablePath) return;
  const { outputFiles } = await build({
    entryPoints: ['test/browser/page.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  });
  const script = outputFiles[0].text;
  isolatedUrl = await serve(script, true);
  plainUrl = await serve(script, false);
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--enable-unsafe-swiftshader'],
  });
});
afterAll(async () => {
  await browser?.close();
  for (const server of servers) server.close();
});

async function open(url: string): Promise<Page> {
  const tab = await browser.newPage();
  const errors: string[] = [];
  tab.on('pageerror', (error) => errors.push(String(error)));
  await tab.goto(url);
  await tab
    .waitForFunction(() => 'page' in window, undefined, { timeout: 30_000 })
    .catch(() => {
      throw new Error(`the page did not load: ${errors.join('; ')}`);
    });
  return tab;
}

/** What Node finds in the same pictures. A painter that a page loads by its URL is alone, unless it is told otherwise. */
async function inNode(quality: Quality): Promise<Uint8Array> {
  const segmenter = await InContextSegmenter.load(undefined, { backend: 'wasm' });
  const prompt = { image: 'examples/cat-video/000.jpg', mask: 'examples/cat-video/000.png' };
  const result = await segmenter.segment([prompt], 'examples/cat-video/004.jpg', { quality });
  segmenter.dispose();
  return result.labelMap.data;
}

const disagreement = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count / a.length;
};

test('the models inside the package: both on a target, and a click on a picture encoded once, as in Node', async () => {
  const tab = await open(isolatedUrl);
  const { labels, clicked, bytes } = await tab.evaluate(() => window.page.bundled());
  await tab.close();
  expect(disagreement(labels, await inNode('best'))).toBeLessThan(0.005);
  const interactive = await InteractiveSegmenter.load(undefined, { backend: 'wasm' });
  const picture = await interactive.encode('examples/cup-1.jpg');
  const { masks } = await picture.segment({ points: [[270, 200]] });
  expect(disagreement(clicked, masks[0].toBinary())).toBeLessThan(0.005);
  expect(masks[0].area).toBeGreaterThan(1000);
  expect(bytes).toBeLessThan(2_200_000);
  interactive.dispose();
});

test('the CPU engine gives the same mask with and without cross-origin isolation, and as in Node', async () => {
  const results = [];
  for (const url of [isolatedUrl, plainUrl]) {
    const tab = await open(url);
    results.push(await tab.evaluate(() => window.page.segment('wasm')));
    await tab.close();
  }
  expect(results.map(({ isolated }) => isolated)).toEqual([true, false]);
  expect(results.map(({ engine, leaked }) => [engine, leaked])).toEqual([
    ['wasm', 0],
    ['wasm', 0],
  ]);
  expect(results[0].labels).toEqual(results[1].labels);
  expect(results[0].png).toBeGreaterThan(1000);
  // Chromium's JPEG decoder rounds a little differently from libvips's.
  expect(disagreement(results[0].labels, await inNode('fast'))).toBeLessThan(0.01);
});

const plainArithmetic = 900_000; // ms: a minute on a quiet machine, many on a busy one
test.each(['cpu', 'webgl'])(
  'TF.js %s agrees',
  async (backend) => {
    const tab = await open(plainUrl);
    const result = await tab.evaluate((name) => window.page.segment(name), backend);
    await tab.close();
    expect(result).toMatchObject({ engine: `tfjs-${backend}`, leaked: 0 });
    expect(disagreement(result.labels, await inNode('fast'))).toBeLessThan(0.01);
  },
  plainArithmetic,
);

test('takes whatever a canvas can draw', async () => {
  const tab = await open(plainUrl);
  const areas = await tab.evaluate(() => window.page.drawables());
  await tab.close();
  const values = Object.values(areas);
  expect(values).toHaveLength(5);
  expect(Math.max(...values) - Math.min(...values)).toBeLessThan(0.01 * 600 * 400);
  expect(Math.min(...values)).toBeGreaterThan(10_000);
});

test('keeps models in Cache Storage, once they have verified, asks after them, lists and clears them', async () => {
  const tab = await open(plainUrl);
  const files = ['config.json', 'model.safetensors', 'preprocessor_config.json'];
  const sizes = await Promise.all(
    files.map(async (name) => (await readFile(join('weights', name))).length),
  );
  expect(await tab.evaluate(() => window.page.cached())).toEqual({
    keys: files,
    asked: 3,
    bodies: 0,
    listed: [
      { model: new URL('weights', plainUrl).href, size: sizes.reduce((sum, size) => sum + size) },
    ],
    cleared: 1,
    left: 0,
  });
  const messages = await tab.evaluate(() => window.page.failures());
  await tab.close();
  expect(messages.missing).toMatch(/ImageError: \/nope.jpg: the server answers 404/);
  expect(messages.path).toMatch(/CheckpointError: .*\/model holds no config.json/);
  expect(messages.hash).toMatch(/DownloadError: .*was promised; it was not kept/);
});

test('demuxes and decodes video itself', async () => {
  mkdirSync('dist/test', { recursive: true });
  const pattern = [
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=96x64:rate=5:duration=1',
    '-c:v',
    'libvpx',
    'dist/test/pattern.webm',
  ];
  execFileSync(ffmpegPath(), ['-y', '-v', 'error', ...pattern]);
  const tab = await open(plainUrl);
  const { sizes, failure } = await tab.evaluate(() => window.page.video('/dist/test/pattern.webm'));
  await tab.close();
  expect(sizes).toEqual(Array(5).fill('96 x 64'));
  expect(failure).toMatch(/VideoError: .*cannot be read/);
});
