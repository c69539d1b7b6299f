/** The command's cache, and what it says of a server that does not answer. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(60_000);

const cli = buildCli(__filename);
const files: Record<string, Buffer> = {
  'config.json': Buffer.from(JSON.stringify(miniConfig)),
  'model.safetensors': Buffer.from(safetensors(randomTensors())),
};
let directory: string;
let server: Server;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'seggpt-cli-cache-'));
  server = createServer(({ url: path = '' }, response) => {
    const file = files[path.split('/').at(-1)!];
    if (!file) response.writeHead(404).end();
    else response.setHeader('etag', '"v1"').setHeader('content-length', file.length).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

const run = (...args: string[]) => runCli(cli, args, { env: { SEGGPT_CACHE: directory } });

it('lists what was downloaded, and removes it', async () => {
  expect(await run('cache')).toEqual({
    code: 0,
    stdout: '',
    stderr: 'the cache holds no models\n',
  });
  for (const name of ['one', 'two']) await run('info', `${url}/${name}`, '--backend', 'wasm');
  const today = new Date().toISOString().slice(0, 7);
  const { stdout, stderr } = await run('cache');
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^model +size +stored +known as$/),
    expect.stringMatching(new RegExp(`^${url}/one  \\d\\d\\.\\d kB  ${today}-\\d\\d$`)),
    expect.stringMatching(new RegExp(`^${url}/two  \\d\\d\\.\\d kB  ${today}-\\d\\d$`)),
    '',
  ]);
  expect(stderr).toMatch(/^2 model\(s\), \d\d\.\d kB\n$/);
  const [one] = JSON.parse((await run('cache', '--json')).stdout);
  expect(one).toMatchObject({ model: `${url}/one`, revisions: [], partial: false });
  expect(one.size).toBeGreaterThan(files['model.safetensors'].length);

  expect(await run('cache', 'clear', 'owner/name')).toMatchObject({
    code: 2,
    stderr: 'error: the cache holds no "owner/name"; "seggpt cache" lists what it holds.\n',
  });
  expect(await run('cache', 'clear', `${url}/one`)).toEqual({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^removed ${url}/one  \\d\\d\\.\\d kB\n$`)),
    stderr: expect.stringMatching(/^freed \d\d\.\d kB\n$/),
  });
  // The directory is told before or after `clear`.
  const other = ['--cache', join(directory, 'none')];
  for (const args of [
    ['cache', ...other, 'clear'],
    ['cache', 'clear', ...other],
  ])
    expect((await run(...args, '--json')).stdout).toBe('[]\n');
  expect(JSON.parse((await run('cache', 'clear', '--json')).stdout)).toMatchObject([
    { model: `${url}/two` },
  ]);
  expect((await run('cache')).stderr).toBe('the cache holds no models\n');
});

it('serves many targets from URLs by one signal without a warning of Node', async () => {
  files['cat.jpg'] = await readFile('examples/cat-video/002.jpg');
  const targets = Array.from({ length: 15 }, (_, i) => `${url}/${i}/cat.jpg`);
  const [image, mask] = ['examples/cat-video/000.jpg', 'examples/cat-video/000.png'];
  const { code, stdout, stderr } = await run(
    ...['segment', ...targets, '--prompt', image, mask, '--model', `${url}/one`, '--json'],
    ...['--backend', 'wasm', '--save', 'labels', '--out', join(directory, 'found')],
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout).results).toHaveLength(15);
  expect(stderr).not.toMatch(/Warning/);
});

it('tells on standard error that a server does not answer, beside JSON, too', async () => {
  await run('info', `${url}/one`);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const { code, stdout, stderr } = await run('info', `${url}/one`, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ model: expect.stringContaining('model.safetensors') });
  expect(stderr).toMatch(
    /^note: http:.*config\.json cannot be reached .*What the cache holds of the model is used\.\n/,
  );
});

it('shows examples that run', async () => {
  for (const command of [['cache'], ['cache', 'clear']]) {
    const { stdout } = await run(...command, '--help');
    const lines = stdout.match(/^ {2}seggpt .*$/gm)!;
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const { code } = await run(...line.trim().split(' ').slice(1));
      expect([line, code]).toEqual([line, line.includes('BAAI') ? 2 : 0]); // it is not there
    }
  }
});
