/** What stops the command from outside: signals, stuck inputs, names and files that stand in the way. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(60_000);

const frames = resolve('examples/cat-video');
const video = resolve('test/fixtures/videos/thirty-a-second.mp4');
let cli: string;
let model: string;
let out: string;
beforeAll(async () => {
  cli = buildCli(__filename);
  model = await mkdtemp(join(tmpdir(), 'seggpt-model-'));
  await writeFile(join(model, 'config.json'), JSON.stringify(miniConfig));
  await writeFile(join(model, 'model.safetensors'), safetensors(randomTensors()));
});
beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'seggpt-interruptions-'))));
afterEach(() => rm(out, { recursive: true }));
afterAll(() => rm(model, { recursive: true }));

const picture = join(frames, '002.jpg');
const flags = () => [
  ...['--model', model, '--backend', 'wasm', '--threads', '1'],
  ...['--prompt', join(frames, '000.jpg'), join(frames, '000.png')],
];
const segment = (...args: string[]) => runCli(cli, ['segment', ...flags(), ...args], { cwd: out });

/** Runs until a line of standard output or error matches, then sends a signal. */
async function interrupted(signal: NodeJS.Signals, line: RegExp, args: string[]) {
  const child = spawn(process.execPath, [cli, ...args], { cwd: out });
  let sent = 0;
  const listen = (text: string) => {
    if (sent || !line.test(text)) return;
    sent = performance.now();
    child.kill(signal);
  };
  child.stdout.setEncoding('utf8').on('data', listen);
  child.stderr.setEncoding('utf8').on('data', listen);
  const code = await new Promise((done) => child.once('close', done));
  expect(sent).toBeGreaterThan(0);
  return { code, took: performance.now() - sent };
}

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, expected) => {
  it('ends within two seconds, with its own exit code and what was finished', async () => {
    const targets = Array.from({ length: 400 }, () => picture);
    const args = ['segment', ...flags(), ...targets, '--save', 'labels,coco', '--out', 'results'];
    const { code, took } = await interrupted(signal, /002\.jpg {2}/, args);
    expect(code).toBe(expected);
    expect(took).toBeLessThan(2500);
    const files = await readdir(join(out, 'results'));
    const coco = JSON.parse(await readFile(join(out, 'results', 'coco.json'), 'utf8')) as {
      images: unknown[];
    };
    expect(coco.images.length).toBeGreaterThan(0);
    expect(coco.images.length).toBeLessThan(400);
    expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('ends within two seconds whatever is stuck', async () => {
    const server = createServer((_, response) => response.write('P')); // and nothing more, ever
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`;
    const { code, took } = await interrupted(signal, /prompt\(s\)/, ['segment', ...flags(), url]);
    expect([code, took < 2500]).toEqual([expected, true]);
    server.closeAllConnections();
    server.close();
  });
});

it('leaves an earlier video as it was, and no other', async () => {
  await writeFile(join(out, 'o.mp4'), 'earlier');
  await mkdir(join(out, 'frames'));
  for (let i = 0; i < 300; i++) await copyFile(picture, join(out, 'frames', `${i}.jpg`));
  const args = ['track', ...flags(), '--save', 'coco', '--out', 'o.mp4', 'frames'];
  const { code } = await interrupted('SIGTERM', /backend wasm/, args);
  expect(code).toBe(143);
  expect(await readFile(join(out, 'o.mp4'), 'utf8')).toBe('earlier');
  expect((await readdir(out)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('writes nothing over what it reads', async () => {
  await copyFile(video, join(out, 'a.mp4'));
  await mkdir(join(out, 'davis'));
  await copyFile(picture, join(out, 'davis', '0.png'));
  for (const args of [
    ['--out', 'a.mp4', 'a.mp4'],
    ['--out', 'davis/../a.mp4', 'a.mp4'],
    ['--save', 'davis', '--out', '.', 'davis'],
  ]) {
    const { code, stderr } = await runCli(cli, ['track', ...flags(), ...args], { cwd: out });
    expect([code, stderr]).toEqual([2, expect.stringContaining('is what is read')]);
  }
  expect(await readFile(join(out, 'a.mp4'))).toEqual(await readFile(video));
});

it('a target that cannot be read never ends the batch', async () => {
  execFileSync('mkfifo', [join(out, 'pipe.png')]);
  const bad = ['http:', 'http://[x/y.jpg', 'pipe.png', '/dev/zero', 'none.jpg'];
  const { code, stdout, stderr } = await segment(...bad, picture, '--json');
  const { results, failed } = JSON.parse(stdout) as { results: unknown[]; failed: unknown[] };
  expect([code, results.length, failed.length]).toEqual([1, 1, bad.length]);
  expect(stderr).not.toContain('at async');
});

it.each([200, 204, 240])('a name of %i letters gives results', async (length) => {
  const name = `${'a'.repeat(length)}.jpg`;
  await copyFile(picture, join(out, name));
  const { code } = await segment(name, picture, '--save', 'labels,overlay', '--out', 'results');
  expect(code).toBe(0);
  expect(await readdir(join(out, 'results'))).toHaveLength(4);
});
