/** `seggpt prepare`, and the file it writes in `segment` and `track`, with a model of a few milliseconds. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyingConfig, copyingTensors } from '../../helpers/copying-checkpoint';
import { safetensors } from '../../helpers/tiny-checkpoint';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(180_000);

const cli = buildCli(__filename);
const fixtures = 'test/fixtures/prompts';
const target = `${fixtures}/target.jpg`;
const example = ['--prompt', `${fixtures}/image.jpg`, `${fixtures}/coco-rle.json`];
let out: string;
let small: string[];
let concept: string;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'seggpt-concepts-'));
  const model = join(out, 'model');
  await mkdir(model);
  await writeFile(join(model, 'config.json'), JSON.stringify(copyingConfig));
  await writeFile(join(model, 'model.safetensors'), safetensors(copyingTensors()));
  small = ['--model', model, '--backend', 'wasm'];
  concept = join(out, 'things.seggpt');
  const made = await run('prepare', ...example, '--seed', '3', '--out', concept, '--json');
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(JSON.parse(made.stdout)).toMatchObject({
    file: concept,
    examples: 1,
    labels: [{ name: 'disc' }, { name: 'square' }],
    options: { seed: 3 },
  });
});
afterAll(() => rm(out, { recursive: true }));

const run = (...args: string[]) => runCli(cli, [...args, ...small]);
const labelsIn = (folder: string) => readFile(join(folder, 'target.labels.png'));

it('segments as its prompts do, with the options that were given when it was made', async () => {
  const [by, of] = [join(out, 'by-concept'), join(out, 'by-prompt')];
  const applied = await run('segment', target, '--concept', concept, '--out', by, '--json');
  expect(applied.code).toBe(0);
  await run('segment', target, ...example, '--seed', '3', '--out', of);
  expect(await labelsIn(by)).toEqual(await labelsIn(of));
  const { prompts, results } = JSON.parse(applied.stdout);
  expect(prompts).toEqual([{ image: `${concept}#1.png`, mask: `${concept}#1` }]);
  expect(results[0].masks.map(({ name }: { name: string }) => name)).toEqual(['disc', 'square']);
});

it('gives way to flags, and takes further examples', async () => {
  const both = join(out, 'both.seggpt');
  const args = ['--concept', concept, ...example, '--seed', '0', '--upsampling', 'nearest'];
  const { code, stdout } = await run('prepare', ...args, '--out', both, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    examples: 2,
    options: { seed: 0, upsampling: 'nearest' },
  });
});

it('tracks, though some of its options are of single pictures', async () => {
  const tiled = join(out, 'tiled.seggpt');
  await run('prepare', ...example, '--tiles', '2', '--instances', '--out', tiled);
  const frames = `${fixtures}/`;
  const found = join(out, 'frames');
  const { code, stdout, stderr } = await run(
    ...['track', frames, '--concept', tiled, '--out', found, '--json'],
  );
  expect([code, stderr]).toEqual([0, '']);
  expect(Object.keys(JSON.parse(stdout).objects)).toEqual(['disc', 'square']);
});

it('is bad usage without examples, with another suffix, or over what is read', async () => {
  const none = await run('segment', target);
  expect([none.code, none.stderr]).toEqual([
    2,
    'error: give --prompt IMAGE MASK, or --concept FILE.seggpt.\n',
  ]);
  const suffix = await run('prepare', ...example, '--out', join(out, 'a.zip'));
  expect([suffix.code, suffix.stderr]).toEqual([2, expect.stringMatching(/must end in \.seggpt/)]);
});

it('names a concept that is damaged or missing by its flag', async () => {
  const damaged = join(out, 'damaged.seggpt');
  await writeFile(damaged, (await readFile(concept)).subarray(0, 500));
  for (const [path, words] of [
    [damaged, /^error: --concept: is damaged/],
    [join(out, 'missing.seggpt'), /^error: --concept: cannot be read from/],
  ] as const) {
    const { code, stderr } = await run('segment', target, '--concept', path);
    expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
  }
});
