import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readVideo } from '../../../src/adapters/node/video-reader';
import { VideoWriter } from '../../../src/adapters/node/video-writer';
import { gradient } from '../../helpers/picture';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(60_000);

const cases = resolve('test/fixtures/videos');
const whole = join(cases, 'thirty-a-second.mp4');
let out: string;
let cli: string;
let model: string;
beforeAll(async () => {
  cli = buildCli(__filename);
  model = await mkdtemp(join(tmpdir(), 'seggpt-model-'));
  await writeFile(join(model, 'config.json'), JSON.stringify(miniConfig));
  await writeFile(join(model, 'model.safetensors'), safetensors(randomTensors()));
});
beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'seggpt-videos-'))));
afterEach(() => rm(out, { recursive: true }));
afterAll(() => rm(model, { recursive: true }));

/** Tracks in the directory of results, where names may be as odd as they like. */
const track = (...args: string[]) =>
  runCli(
    cli,
    [
      ...['track', '--model', model, '--backend', 'wasm'],
      ...['--prompt', join(cases, 'prompt.jpg'), join(cases, 'mask.png'), ...args],
    ],
    { cwd: out },
  );

const times = async (name: string) => {
  const all = [];
  for await (const { time } of readVideo(join(out, name))) all.push(time);
  return all;
};

it.each(['2026-11-25T12:30:00.mp4', '100%d.mp4', '-x.mp4'])(
  'tracks a video called "%s", and writes one',
  async (name) => {
    await mkdir(join(out, 'in'));
    await copyFile(whole, join(out, 'in', name));
    const { code, stderr } = await track('--out', name, '--json', join('in', name));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    // All thirty frames, each at its own time.
    expect(await times(name)).toEqual(
      Array.from({ length: 30 }, (_, i) => expect.closeTo(i / 30, 3)),
    );
    await copyFile(whole, join(out, name));
    expect(await track('--out', 'again.mkv', '--', name)).toMatchObject({ code: 0 });
    expect((await readdir(out)).sort()).toEqual([name, 'again.mkv', 'in'].sort());
  },
);

it.each(['webm', 'gif', 'mov', 'mkv', 'm4v'])(
  'writes a .%s of the same rate',
  async (container) => {
    expect(await track('--out', `x.${container}`, whole)).toMatchObject({ code: 0 });
    const found = await times(`x.${container}`);
    expect(found).toHaveLength(30);
    expect(found[29]).toBeCloseTo(29 / 30, container === 'gif' ? 1 : 2);
  },
);

it('keeps 60 frames a second and a variable rate, and makes a constant one of --fps', async () => {
  const sixty = new VideoWriter(join(out, 'sixty.mp4'), 32, 24, { nominalRate: 60 });
  for (let i = 0; i < 12; i++) await sixty.write(gradient(32, 24), i / 60);
  await sixty.close();
  await track('--out', 'a.mp4', 'sixty.mp4');
  expect(await times('a.mp4')).toEqual(
    Array.from({ length: 12 }, (_, i) => expect.closeTo(i / 60, 4)),
  );
  const variable = [0, 0.1, 0.3, 0.35, 0.9];
  const uneven = new VideoWriter(join(out, 'uneven.mkv'), 32, 24);
  for (const time of variable) await uneven.write(gradient(32, 24), time);
  await uneven.close();
  await track('--out', 'b.mp4', 'uneven.mkv');
  expect(await times('b.mp4')).toEqual(variable.map((time) => expect.closeTo(time, 3)));
  await track('--out', 'c.mp4', '--fps', '10', 'uneven.mkv');
  expect(await times('c.mp4')).toEqual(
    Array.from({ length: 10 }, (_, i) => expect.closeTo(i / 10, 3)),
  );
});

it('tells that a video ends early, saves what is there, and exits with 1', async () => {
  const args = ['--out', 'cut.mp4', '--json', join(cases, 'cut-off.mkv')];
  const { code, stderr, stdout } = await track(...args);
  expect(stderr).toMatch(
    /^warning: The video .*cut-off.mkv ends early .*; 12 frames could be read/m,
  );
  expect(JSON.parse(stdout)).toMatchObject({
    frames: 12,
    damage: expect.stringMatching(/ends early/),
  });
  expect(code).toBe(1);
  expect(await times('cut.mp4')).toHaveLength(12);
});

it.each(['x.avi', 'x.wmv', 'x.png'])('refuses to write "%s" before any work', async (name) => {
  const { code, stderr } = await track('--out', name, '--model', 'nowhere', whole);
  expect(stderr).toMatch(/^error: --out: cannot write "x\.\w+"; a video is \.mp4, .* or \.gif/);
  expect(code).toBe(2);
  expect(await readdir(out)).toEqual([]);
});

it('takes another name for a directory', async () => {
  expect(await track('--out', 'walk.v2', '--save', 'labels', whole)).toMatchObject({ code: 0 });
  expect(await readdir(join(out, 'walk.v2'))).toHaveLength(30);
});

it('leaves no file where it fails on the way', async () => {
  await writeFile(join(out, 'text.mp4'), 'hello');
  const { code } = await track('--out', 'x.mp4', 'text.mp4');
  expect(code).toBe(1);
  expect(await readdir(out)).toEqual(['text.mp4']);
});
