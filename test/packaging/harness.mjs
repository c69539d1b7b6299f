/** What the places share: the packed archive, fresh projects, servers, a browser. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const root = new URL('../..', import.meta.url).pathname;
const run = promisify(execFile);

/** Everything of one run lies here. */
export const workplace = mkdtempSync(join(tmpdir(), 'seggpt-packaging-'));

/** Packs the built package. @returns the archive's path. */
export function pack() {
  const printed = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', workplace],
    { cwd: root, encoding: 'utf8' },
  );
  return join(workplace, JSON.parse(printed)[0].filename);
}

/** Photographs that places segment. */
export const pictures = ['cup-1.jpg', 'cup-1.png', 'cup-2.jpg'];

/** Source of a page or module that segments a photograph with the bundled model and leaves the outcome on `globalThis`. */
export const segmenting = (importing = "import { segmentInContext } from 'seggpt';", base = '/') => `
${importing}
const started = performance.now();
try {
  const result = await segmentInContext([{ image: '${base}cup-1.jpg', mask: '${base}cup-1.png' }], '${base}cup-2.jpg');
  globalThis.outcome = { area: result.masks[0].area, engine: result.engine, ms: performance.now() - started };
} catch (error) {
  globalThis.outcome = { error: String(error) };
}
`;

/**
 * A fresh project with the archive installed from it, and files.
 *
 * @param packages what else it installs, `name@range`.
 * @param files contents by path; pictures are put into `public`, or where `picturesIn` says.
 */
export async function project(name, archive, { packages = [], files = {}, picturesIn = 'public' }) {
  const directory = join(workplace, name);
  mkdirSync(directory, { recursive: true });
  write(directory, {
    'package.json': JSON.stringify({ name, version: '1.0.0', private: true, type: 'module' }),
    ...files,
  });
  mkdirSync(join(directory, picturesIn), { recursive: true });
  for (const picture of pictures)
    cpSync(join(root, 'examples', picture), join(directory, picturesIn, picture));
  await command(directory, 'npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    archive,
    ...packages,
  ]);
  return directory;
}

export function write(directory, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

/** Runs a command to its end. @returns what it printed; throws with its output if it fails. */
export async function command(cwd, program, args, env = {}) {
  try {
    const { stdout, stderr } = await run(program, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', NEXT_TELEMETRY_DISABLED: '1', CI: '1', ...env },
      maxBuffer: 1 << 26,
      timeout: 300_000,
    });
    return { stdout, stderr };
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${error.stdout ?? ''}\n${error.stderr ?? error}`);
  }
}

/** A version of an installed package. */
export async function versionOf(directory, name) {
  const text = await readFile(join(directory, 'node_modules', name, 'package.json'), 'utf8');
  return JSON.parse(text).version;
}

/** Starts a server command and waits until its address answers. @returns what stops it. */
export async function serving(cwd, program, args, url) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', NEXT_TELEMETRY_DISABLED: '1' },
    detached: true,
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data));
  for (let tries = 0; tries < 150; tries++) {
    if (child.exitCode !== null) break;
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return () => process.kill(-child.pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  throw new Error(`${program} ${args.join(' ')} did not serve ${url}: ${printed}`);
}

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
};

/** Serves a directory as a plain web server would. @returns its address and what stops it. */
export async function staticServer(directory, headers = {}) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://x').pathname;
    const file = join(directory, path.endsWith('/') ? `${path}index.html` : path);
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-length': found.size,
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : await readFile(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => server.close(),
  };
}

export const executablePath = ['/usr/bin/chromium', process.env.CHROMIUM ?? ''].find(
  (path) => path && existsSync(path),
);
let browser;

/** Opens a page in headless Chromium and waits for the outcome its script leaves. */
export async function outcomeOf(url, seconds = 90) {
  browser ??= await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await (await browser.newContext()).newPage();
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(String(error)));
  try {
    await page.goto(url);
    await page
      .waitForFunction(() => globalThis.outcome !== undefined, null, { timeout: seconds * 1000 })
      .catch(() => undefined);
    const outcome = await page.evaluate(() => globalThis.outcome);
    return { ...(outcome ?? { error: 'nothing came' }), said };
  } finally {
    await page.context().close();
  }
}

export async function closeBrowser() {
  await browser?.close();
}
