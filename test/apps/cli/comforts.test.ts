/** What makes the command pleasant, with a model of a few milliseconds. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { ffmpegPath } from '../../../src/adapters/node/ffmpeg';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(180_000);

const cli = buildCli(__filename);
const examples = 'examples/cat-video';
const [image, mask] = [`${examples}/000.jpg`, `${examples}/000.png`];
let out: string;
let small: string[];

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'seggpt-comforts-'));
  const model = join(out, 'model');
  await mkdir(model);
  await writeFile(join(model, 'config.json'), JSON.stringify(miniConfig));
  await writeFile(join(model, 'model.safetensors'), safetensors(randomTensors()));
  small = ['--model', model, '--backend', 'wasm'];
});
afterEach(() => rm(out, { recursive: true }));

const run = (...args: string[]) => runCli(cli, args);

/** Copies examples into the temporary directory, as `its name there: example`. */
async function copy(names: Record<string, string>): Promise<void> {
  for (const [to, from] of Object.entries(names)) {
    await mkdir(dirname(join(out, to)), { recursive: true });
    await copyFile(join(examples, from), join(out, to));
  }
}

it('segments a directory and a pattern by a folder of prompts, and saves what several flags ask for', async () => {
  await copy({
    'prompts/a.jpg': '000.jpg',
    'prompts/a.png': '000.png',
    'targets/t10.jpg': '004.jpg',
    'targets/t9.jpg': '003.jpg',
    'more/m.jpg': '002.jpg',
  });
  const found = join(out, 'found');
  const { code, stdout, stderr } = await run(
    ...['segment', '--prompt', join(out, 'prompts'), join(out, 'targets'), join(out, 'more/*.jpg')],
    ...['--save', 'labels', '--save', 'coco,labels', '--out', found, ...small],
  );
  expect(code).toBe(0);
  const names = stdout.match(/^\S+/gm)!;
  expect(names).toEqual(
    ['targets/t9.jpg', 'targets/t10.jpg', 'more/m.jpg'].map((n) => join(out, n)),
  );
  expect(stderr).toContain(`${join(out, 'prompts')}: 1 prompt(s), NAME.jpg beside NAME.png\n`);
  expect(stderr).toContain(`${join(out, 'targets')}: 2 picture(s)\n`);
  expect((await readdir(found)).sort()).toEqual([
    'coco.json',
    'm.labels.png',
    't10.labels.png',
    't9.labels.png',
  ]);
  const { stdout: json } = await run(
    ...['segment', join(out, 'targets'), '--prompt', join(out, 'prompts'), '--json'],
    ...['--out', found, ...small],
  );
  expect(JSON.parse(json)).toMatchObject({
    prompts: [{ image: join(out, 'prompts/a.jpg'), mask: join(out, 'prompts/a.png') }],
    results: [{ target: names[0] }, { target: names[1] }],
  });
});

it('exits with 2 for targets and prompts that stand for nothing', async () => {
  await copy({ 'prompts/a.jpg': '000.jpg' });
  for (const [args, message] of [
    [['segment', join(out, '*.gif'), '--prompt', image, mask], /^error: ".*gif" matches no files/m],
    [['segment', image, '--prompt', join(out, 'prompts')], /a.jpg" has no mask/],
    [['track', examples, '--prompt', join(out, 'prompts')], /a.jpg" has no mask/],
  ] as const)
    expect(await run(...args, ...small)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    });
});

it('names labels in lines, JSON and coco.json', async () => {
  const found = join(out, 'found');
  const prompt = ['--prompt', image, mask, '--out', found, '--save', 'coco', ...small];
  const named = await run('segment', image, ...prompt, '--labels', '1=grey cat');
  expect(named.stdout).toMatch(/ s {2}grey cat: \d+ px, score /);
  const coco = async () => JSON.parse(await readFile(join(found, 'coco.json'), 'utf8'));
  expect((await coco()).categories).toMatchObject([{ id: 1, name: 'grey cat' }]);
  const json = await run('segment', image, ...prompt, '--labels', '1=cat', '--json');
  expect(JSON.parse(json.stdout).results[0].masks).toMatchObject([{ label: 1, name: 'cat' }]);
  await copy({ 'clip/0.jpg': '000.jpg', 'clip/1.jpg': '001.jpg' });
  const tracked = await run('track', join(out, 'clip'), ...prompt, '--labels', '1=cat', '--json');
  expect(JSON.parse(tracked.stdout).objects).toEqual({ cat: expect.any(Number) });
  expect((await coco()).categories).toEqual([{ id: 1, name: 'cat', supercategory: '' }]);
});

it('refuses names of labels that nobody shows, and names that are none', async () => {
  const commands = [
    ['segment', image, '--prompt', image, mask],
    ['track', examples, '--first-mask', mask],
  ];
  for (const command of commands)
    expect(await run(...command, '--labels', '1=cat,7=dog', ...small)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'error: --labels: calls the label 7 "dog", but the prompts show 1 alone.\n',
      ),
    });
  for (const [labels, message] of [
    [['cat'], /"cat" is no LABEL=NAME with a label from 1 to 255/],
    [['0=cat'], /"0=cat" is no LABEL=NAME/],
    [['1='], /"1=" is no LABEL=NAME/],
    [['1=a', '--labels', '1=b'], /The label 1 is named twice: "a" and "b"/],
  ] as const)
    expect(await run(...commands[0], '--labels', ...labels)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    });
});

it('speaks of flags and files, not of options and arguments', async () => {
  await copy({ 'clip/0.jpg': '000.jpg', 'clip/1.jpg': '001.jpg' });
  const lossy = join(out, 'mask.jpg');
  // A photograph: no mask can be made of it.
  await sharp(image).jpeg().toFile(lossy);
  const wide = join(out, 'mask.png');
  await sharp(mask).resize(64, 48, { kernel: 'nearest' }).toColourspace('b-w').png().toFile(wide);
  const clip = join(out, 'clip');
  for (const [args, message] of [
    [
      ['segment', image, '--prompt', image, mask, '--max-pixels', '9'],
      /^error: .*000\.jpg has 451 x 300 pixels, more than the limit of 9; raise --max-pixels if/m,
    ],
    [
      ['segment', image, '--prompt', image, lossy],
      /^error: --prompt \S+mask\.jpg: has colours of which it is not clear .*, or pass --tolerance to join/m,
    ],
    [
      ['segment', image, '--prompt', image, wide],
      /^error: --prompt \S+mask\.png: is 64 x 48 pixels.*; pass --resize-masks if the mask/m,
    ],
    [
      ['track', clip, '--first-mask', wide],
      /^error: --first-mask \S+mask\.png: is 64 x 48 .*; pass --resize-masks if/m,
    ],
    [
      ['track', clip, '--first-mask', mask, '--prompt', image, lossy],
      /^error: --prompt \S+mask\.jpg: has colours of which it is not clear/m,
    ],
    [['track', clip, '--first-mask', mask, '--max-pixels', '9'], /raise --max-pixels if/],
  ] as const) {
    const { code, stderr } = await run(...args, ...small);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/option|prompts\[|maxPixels|resizeMasks/);
    expect(code).toBe(1);
  }
  // A target's own failure, too.
  const larger = await run(
    ...['segment', 'examples/cup-1.jpg', '--prompt', join(clip, '0.jpg'), mask],
    ...['--max-pixels', String(451 * 300), ...small, '--json', '--out', out],
  );
  expect(JSON.parse(larger.stdout).failed).toMatchObject([
    { file: 'examples/cup-1.jpg', error: expect.stringContaining('raise --max-pixels') },
  ]);
});

it('tracks by masks that need a tolerance or another size, and by a seed', async () => {
  await copy({ 'clip/0.jpg': '000.jpg', 'clip/1.jpg': '001.jpg' });
  const drawn = join(out, 'mask.jpg');
  await sharp(mask)
    .linear(255)
    .resize(226, 150, { kernel: 'nearest' })
    .jpeg({ quality: 95 })
    .toFile(drawn);
  const { code, stderr } = await run(
    ...['track', join(out, 'clip'), '--first-mask', drawn, '--out', join(out, 'found')],
    ...['--tolerance', '100', '--resize-masks', '--seed', '5', ...small],
  );
  expect(stderr).toContain('backend wasm');
  expect(code).toBe(0);
});

it('evaluates a directory of pictures as one data set, or one sequence, by its name', async () => {
  await copy(
    Object.fromEntries(
      ['000', '001', '002', '003'].flatMap((n) =>
        ['jpg', 'png'].map((kind) => [`cats/${n}.${kind}`, `${n}.${kind}`]),
      ),
    ),
  );
  const cats = join(out, 'cats');
  const options = ['--episodes', '1', '--json', ...small];
  const { stdout } = await run('evaluate', cats, ...options);
  expect(JSON.parse(stdout).map(({ dataset }: { dataset: string }) => dataset)).toEqual([
    ...['cats', 'cats', 'mean', 'mean'],
  ]);
  const video = await run('evaluate', cats, '--task', 'video', '--json', ...small);
  expect(JSON.parse(video.stdout)).toMatchObject([{ name: 'cats', frames: 4 }]);
  // Where folders are data sets, what lies beside them is none, and that is told.
  await copy({ '004.jpg': '004.jpg', '004.png': '004.png' });
  const both = await run('evaluate', out, ...options);
  expect(JSON.parse(both.stdout)).toHaveLength(4);
  expect(both.stderr).toContain('left out 1 picture(s) beside the folders');
});

it('shows examples that run', async () => {
  await copy({
    'cup-1.jpg': '000.jpg',
    'cup-1.png': '000.png',
    'cup-2.jpg': '001.jpg',
    'photos/a.jpg': '002.jpg',
    'photos/deeper/b.jpg': '003.jpg',
    'frames/0.jpg': '004.jpg',
    'frames/1.jpg': '005.jpg',
    ...Object.fromEntries(
      ['000', '001', '002', '003'].flatMap((n) =>
        ['jpg', 'png'].flatMap((kind) =>
          ['examples', 'sequences/cat'].map((folder) => [`${folder}/${n}.${kind}`, `${n}.${kind}`]),
        ),
      ),
    ),
  });
  const from = join(out, 'cup-1.png');
  await copyFile(from, join(out, 'cat-first.png'));
  await sharp(from).linear(255).jpeg({ quality: 95 }).toFile(join(out, 'drawn.jpg'));
  const pattern = 'testsrc=size=451x300:rate=5:duration=0.4';
  execFileSync(ffmpegPath(), ['-v', 'error', '-f', 'lavfi', '-i', pattern, join(out, 'cat.mp4')]);
  let ran = 0;
  for (const command of ['segment', 'prepare', 'track', 'evaluate', 'info', 'quantize']) {
    const help = await run(command, '--help');
    const shown = help.stdout.slice(help.stdout.indexOf('Examples:'));
    const lines = shown.match(/^ {2}seggpt .*$/gm) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const words = line.trim().split(' ').slice(1);
      const args = words.map((word) => word.replace(/^'(.*)'$/, '$1'));
      const model = command === 'quantize' || args.includes('model') ? [] : small;
      const outcome = await runCli(cli, [...args, ...model], { cwd: out });
      expect([line, outcome.code, outcome.code ? outcome.stderr : '']).toEqual([line, 0, '']);
      ran++;
    }
  }
  expect(ran).toBeGreaterThanOrEqual(9);
});

describe('a reader that leaves', () => {
  const shell = (line: string) =>
    new Promise<{ stdout: string; stderr: string }>((done) =>
      execFile('bash', ['-c', line], (_, stdout, stderr) => done({ stdout, stderr })),
    );
  const quoted = (...args: string[]) =>
    [process.execPath, cli, ...args].map((a) => `'${a}'`).join(' ');

  it('stops no work, and is no failure', async () => {
    const targets = ['001', '002', '003', '004'].map((n) => `${examples}/${n}.jpg`);
    const found = join(out, 'found');
    const line = quoted('segment', ...targets, '--prompt', image, mask, '--out', found, ...small);
    for (const reader of ['head -1', 'true']) {
      const { stdout, stderr } = await shell(`${line} | ${reader}; echo "\${PIPESTATUS[0]}"`);
      expect(stdout).toMatch(reader === 'true' ? /^0\n$/ : /001\.jpg .*\n0\n$/);
      expect(stderr).toContain('saved to');
      expect(stderr).not.toMatch(/EPIPE|^ +at /m);
      expect(await readdir(found)).toHaveLength(8);
      await rm(found, { recursive: true });
    }
    const info = await shell(`${quoted('info', '--help')} | true; echo "\${PIPESTATUS[0]}"`);
    expect(info).toEqual({ stdout: '0\n', stderr: '' });
    // A failure is one all the same, and messages that nobody reads stop nothing.
    const failing = quoted('segment', 'none.jpg', image, '--prompt', image, mask, '--out', found);
    const tail = small.join(' ');
    const both = await shell(`${failing} ${tail} 2>&1 | true; echo "\${PIPESTATUS[0]}"`);
    expect(both.stdout).toBe('1\n');
    expect(await readdir(found)).toHaveLength(2);
  });

  it('is told from a disk that is full', async () => {
    if (!existsSync('/dev/full')) return;
    const { stdout, stderr } = await shell(`${quoted('--version')} > /dev/full; echo $?`);
    expect(stdout).toBe('1\n');
    expect(stderr).toMatch(/^error: Cannot write to standard output \(.*ENOSPC.*\)\.\n$/);
  });
});
