import { execFile, execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import ndarray from 'ndarray';
import sharp from 'sharp';
import { decodeRle } from '../../../src/masks/rle';
import { openCheckpoint } from '../../../src/checkpoints/open-checkpoint';
import { Painter } from '../../../src/models/seggpt/painter';
import { ffmpegPath } from '../../../src/adapters/node/ffmpeg';
import { readVideo } from '../../../src/adapters/node/video-reader';
import { largestDifference } from '../../helpers/reference';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';

jest.setTimeout(180_000);

const cli = join('dist', 'test', 'cli.mjs');
let out: string;

beforeAll(() => {
  buildSync({
    entryPoints: ['src/apps/cli/main.ts'],
    outfile: cli,
    bundle: true,
    platform: 'node',
    packages: 'external',
    format: 'esm',
  });
});
beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'seggpt-cli-'))));
afterEach(() => rm(out, { recursive: true }));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const run = (...args: string[]) => runWith({}, ...args);

function runWith(environment: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const env = { ...process.env, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const [image, mask] = ['examples/cat-video/000.jpg', 'examples/cat-video/000.png'];
const target = 'examples/cat-video/002.jpg';
const fast = ['--backend', 'wasm'];

it('segments targets, saves what is asked for, and names the bad one at the end', async () => {
  const { code, stdout, stderr } = await run(
    'segment',
    target,
    'missing.jpg',
    ...fast,
    '--prompt',
    image,
    mask,
    '--prompt',
    image,
    mask,
    '--out',
    out,
    '--save',
    'labels,overlay,painting,masks,coco',
  );
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^examples\/cat-video\/002.jpg {2}[\d.]+ s {2}1: \d+ px, score [01]\.\d\d\n$/,
  );
  expect(stderr).toMatch(
    /1 of 2 targets failed:\n {2}missing.jpg: There is no image file "missing.jpg"/,
  );
  expect((await readdir(out)).sort()).toEqual([
    '002.labels.png',
    '002.mask-1.png',
    '002.overlay.png',
    '002.painting.png',
    'coco.json',
  ]);
  const labels = await sharp(join(out, '002.labels.png')).metadata();
  expect([labels.width, labels.height, labels.channels]).toEqual([451, 300, 1]);
  const painting = await sharp(join(out, '002.painting.png')).metadata();
  expect([painting.width, painting.height]).toEqual([451, 300]);

  const coco = JSON.parse(await readFile(join(out, 'coco.json'), 'utf8'));
  expect(coco.images).toEqual([{ id: 1, file_name: target, width: 451, height: 300 }]);
  const raw = await sharp(join(out, '002.labels.png')).extractChannel(0).raw().toBuffer();
  const decoded = decodeRle(coco.annotations[0].segmentation);
  expect(Buffer.compare(decoded, raw)).toBe(0);
});

it('speaks JSON, and nothing else on standard output', async () => {
  const { code, stdout } = await run(
    'segment',
    target,
    ...fast,
    '--prompt',
    image,
    mask,
    '--out',
    out,
    '--json',
    '--colors',
    'palette',
    '--seed',
    '3',
  );
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    model: 'bundled',
    backend: 'wasm',
    failed: [],
    results: [{ target, width: 451, height: 300, masks: [{ label: 1 }] }],
  });
  expect(report.results[0].files).toEqual([
    join(out, '002.labels.png'),
    join(out, '002.overlay.png'),
  ]);
});

it.each<[string, string[], RegExp]>([
  ['no prompt', ['segment', target], /give --prompt IMAGE MASK, or --concept FILE/],
  [
    'a prompt without its mask',
    ['segment', target, '--prompt', image],
    /Give an image and a mask, or many of both/,
  ],
  ['no target', ['segment', '--prompt', image, mask], /missing required argument 'target'/],
  [
    'an unknown backend',
    ['segment', target, '--prompt', image, mask, '--backend', 'cuda'],
    /Allowed choices are auto, webgpu/,
  ],
  [
    'an unknown kind to save',
    ['segment', target, '--prompt', image, mask, '--save', 'gif'],
    /"gif" is none of labels/,
  ],
  [
    'a seed that is no number',
    ['segment', target, '--prompt', image, mask, '--seed', 'x'],
    /whole number/,
  ],
  [
    'colourings that are none',
    ['segment', target, '--prompt', image, mask, '--color-ensemble', '0'],
    /'--color-ensemble <n>' argument '0' is invalid. It must be a whole number from 1 to 64/,
  ],
  [
    'a tolerance that is no number',
    ['segment', target, '--prompt', image, mask, '--tolerance', ''],
    /'--tolerance <distance>' argument '' is invalid. It must be a number from 0 to 441/,
  ],
  [
    'a factor that is no number',
    ['track', 'nope.mp4', '--first-mask', mask, '--region-scale', 'x2'],
    /'--region-scale <factor>' argument 'x2' is invalid. It must be 0, or a number from 1 to 16/,
  ],
  [
    'a frame rate that is no number',
    ['track', 'nope.mp4', '--first-mask', mask, '--fps', 'abc'],
    /'--fps <n>' argument 'abc' is invalid. It must be a number from 0.01 to 1000/,
  ],
  [
    'a frame rate of 0',
    ['track', 'nope.mp4', '--first-mask', mask, '--fps', '0'],
    /'--fps <n>' argument '0' is invalid/,
  ],
  [
    'no end of threads',
    ['evaluate', 'nope', '--threads', '1e999'],
    /'--threads <n>' argument '1e999' is invalid. It must be a whole number of at least 1/,
  ],
  [
    'a factor to evaluate by that is no number',
    ['evaluate', 'nope', '--task', 'video', '--region-scale', 'x2'],
    /'--region-scale <factor>' argument 'x2' is invalid/,
  ],
  ['no episodes', ['evaluate', 'nope', '--episodes', '0'], /'--episodes <n>' argument '0' is inv/],
  ['no shots', ['evaluate', 'nope', '--shots', '0'], /'--shots <n>' argument '0' is invalid/],
  ['an unknown command', ['paint'], /unknown command/],
])('exits with 2 for %s', async (_, args, message) => {
  const { code, stderr } = await run(...args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

it('exits with 1 for a failure, in one line', async () => {
  const missing = await run('segment', target, '--prompt', image, 'nope.png');
  expect(missing).toMatchObject({
    code: 1,
    stderr: 'error: There is no image file "nope.png"; check the path.\n',
  });
  const model = await run('segment', target, '--prompt', image, mask, '--model', './nope', ...fast);
  expect(model.code).toBe(1);
  expect(model.stderr).toMatch(/error: There is no model at "\.\/nope"/);
});

it('tells its version, its help and what a model is', async () => {
  const manifest = JSON.parse(await readFile('package.json', 'utf8'));
  expect(await run('--version')).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  expect(await run('segment', '--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--prompt <image mask>'),
  });
  const info = await run('info', 'test/fixtures/tiny', '--json');
  expect(JSON.parse(info.stdout)).toMatchObject({
    family: 'seggpt',
    config: { hidden_size: 32, num_hidden_layers: 24 },
    types: ['F32'],
    engines: {
      'tfjs-cpu': 'available',
      wasm: expect.stringMatching(/^available: WebAssembly SIMD, .* threads$/),
    },
  });
  const untouched = await runWith({ SEGGPT_V8_FLAGS: 'keep' }, 'info', 'test/fixtures/tiny');
  expect(untouched.stdout).toMatch(/wasm +available: WebAssembly SIMD, .*no 256-bit vectors/);
  expect((await run('info', 'test/fixtures/tiny/official.pth')).stdout).toMatch(
    /transformer +24 blocks of width 32/,
  );
});

describe('with a model of a few milliseconds', () => {
  let model: string;
  beforeEach(async () => {
    model = join(out, 'model');
    await mkdir(model);
    await writeFile(join(model, 'config.json'), JSON.stringify(miniConfig));
    await writeFile(join(model, 'model.safetensors'), safetensors(randomTensors()));
  });
  const small = () => ['--model', model, ...fast];

  it('tracks a directory and a video, and saves labels, overlays, COCO and DAVIS results', async () => {
    const directory = await run(
      'track',
      'examples/cat-video',
      ...small(),
      '--first-mask',
      mask,
      '--memory',
      '2',
      '--out',
      join(out, 'found'),
      '--save',
      'labels,overlay,coco,davis,labelme',
    );
    expect(directory.stdout).toMatch(/^16 frames, [\d.]+ frames\/s, saved to/);
    expect(directory.code).toBe(0);
    expect((await readdir(join(out, 'found'))).sort().slice(0, 4)).toEqual([
      '000.labels.png',
      '000.overlay.png',
      '001.labels.png',
      '001.overlay.png',
    ]);
    expect(await readdir(join(out, 'found', 'davis'))).toHaveLength(16);
    const { images } = JSON.parse(await readFile(join(out, 'found', 'coco.json'), 'utf8'));
    expect(images).toHaveLength(16);
    expect(images[3].file_name).toMatch(/cat-video\/003.jpg$/);
    const shapes = JSON.parse(await readFile(join(out, 'found', 'labelme', '003.json'), 'utf8'));
    expect(shapes.imagePath).toMatch(/cat-video\/003.jpg$/);

    const video = join(out, 'pattern.mp4');
    execFileSync(ffmpegPath(), [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x48:rate=10:duration=1',
      video,
    ]);
    const overlay = join(out, 'overlay.mp4');
    const tracked = await run(
      'track',
      video,
      ...small(),
      '--prompt',
      image,
      mask,
      '--fps',
      '10',
      '--out',
      overlay,
      '--json',
    );
    expect(JSON.parse(tracked.stdout)).toMatchObject({ frames: 10, failed: [] });
    const frames = [];
    for await (const frame of readVideo(overlay)) frames.push(frame.time);
    expect(frames).toHaveLength(10);
  });

  it('exits with 2 for an option that only the model can refuse, by its name', async () => {
    const prompt = ['--prompt', image, mask, '--resolution', '100'];
    for (const args of [
      ['segment', target, ...prompt],
      ['track', 'examples/cat-video', ...prompt],
      ['evaluate', 'examples', '--resolution', '100'],
    ])
      expect(await run(...args, ...small())).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^error: --resolution: must be a multiple of .*\n$/m),
      });
  });

  it('says in one line where it cannot write', async () => {
    const file = join(out, 'file');
    await writeFile(file, '');
    const options = ['--prompt', image, mask, '--out', join(file, 'found'), ...small()];
    for (const args of [
      ['segment', target, '--save', 'labels'],
      ['segment', target, '--save', 'coco'],
      ['track', 'examples/cat-video', '--save', 'overlay'],
      ['track', 'examples/cat-video', '--save', 'coco'],
    ]) {
      const { code, stderr } = await run(...args, ...options);
      expect(stderr).toMatch(
        /^error: Cannot write ".*" \(ENOTDIR: .*\); make room, or choose another --out\.$/m,
      );
      expect(stderr).not.toMatch(/^ +at /m);
      expect(code).toBe(1);
    }
  });

  it('saves every target under a name of its own', async () => {
    const targets = ['c1/a.jpg', 'c2/a.jpg', 'c1/a-2.jpg'].map((name) => join(out, name));
    for (const path of targets) {
      await mkdir(dirname(path), { recursive: true });
      await copyFile(target, path);
    }
    const { stdout } = await run(
      ...['segment', ...targets, ...small(), '--prompt', image, mask],
      ...['--out', join(out, 'found'), '--save', 'labels', '--json'],
    );
    expect(JSON.parse(stdout).results.map(({ files }: { files: string[] }) => files)).toEqual(
      ['a', 'a-2', 'a-2-2'].map((name) => [join(out, 'found', `${name}.labels.png`)]),
    );
  });

  it('fails with the reason for a video that is none, and for bad usage', async () => {
    const missing = await run('track', 'nope.mp4', ...small(), '--prompt', image, mask);
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no video or directory "nope.mp4"'),
    });
    expect(await run('track', 'examples/cat-video', ...small())).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--first-mask'),
    });
  });

  it('measures J and F on sequences, and IoU on labelled pictures', async () => {
    const video = await run('evaluate', 'examples', '--task', 'video', ...small(), '--json');
    expect(JSON.parse(video.stdout)).toMatchObject([{ name: 'cat-video', frames: 16, objects: 1 }]);
    expect(video.stderr).toContain('cat-video done');
    const table = await run('evaluate', 'examples', '--task', 'video', ...small());
    expect(table.stdout).toMatch(/^sequence +frames +J&F .*\ncat-video +16 .*\nmean /);
    const images = JSON.parse(
      (await run('evaluate', 'examples', ...small(), '--episodes', '3', '--json')).stdout,
    );
    expect(
      images.map(({ protocol, dataset, episodes }: Record<string, unknown>) => [
        protocol,
        dataset,
        episodes,
      ]),
    ).toEqual([
      ['same', 'cat-video', 3],
      ['different', 'cat-video', 3],
      ['same', 'mean', 3],
      ['different', 'mean', 3],
    ]);
    for (const { model: iou, copy, nearest } of images)
      for (const value of [iou, copy, nearest]) expect(value >= 0 && value <= 1).toBe(true);
    // Neighbouring frames differ little, so copying must do well.
    expect(images[1].copy).toBeGreaterThan(0.5);
    const beside = await run(
      ...['evaluate', 'examples', ...small(), '--episodes', '2'],
      ...['--precision', 'int8', '--against', 'f32'],
    );
    expect(beside.stdout).toMatch(/ as f32 +colours apart \(of 255\)\n/);
    const [, model, asFloat, apart] = beside.stdout.match(
      /same +mean +2 +([\d.]+) +[\d.]+ +[\d.]+ +([\d.]+) +([\d.]+)/,
    )!;
    expect(Number(apart)).toBeGreaterThan(0);
    expect(Number(apart)).toBeLessThan(8);
    expect(Math.abs(Number(model) - Number(asFloat))).toBeLessThan(0.1);
    const cut = await run('evaluate', 'examples', ...small(), '--episodes', '2', '--grabcut');
    expect(cut.stdout).toMatch(/ nearest colour +GrabCut\n/);
    expect(cut.stdout).toMatch(/different +mean +2( +0\.\d{3}){4}\n/);
    const shots = await run('evaluate', 'examples', ...small(), '--episodes', '2', '--shots', '3');
    expect(shots.stdout).toMatch(/ model +first prompt alone +copied mask +nearest colour\n/);
    expect(shots.stdout).toMatch(/\nsame +mean +2 +[\d.]+ {2,}[\d.]+ +[\d.]+\n/); // views have one prompt
    expect(shots.stdout).toMatch(/\ndifferent +mean +2( +[\d.]+){4}\n/);
    for (const flag of [['--against', 'f32'], ['--grabcut']]) {
      const refused = await run('evaluate', 'examples', '--task', 'video', ...flag, ...small());
      expect(refused).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`${flag[0]}: concerns pictures`),
      });
    }
    expect(await run('evaluate', 'src', ...small())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds no folders'),
    });
  });

  it('leaves data sets out that show no label', async () => {
    const data = join(out, 'data');
    const pixels = { width: 40, height: 30, channels: 3 as const };
    for (const [dataset, label] of [
      ['empty', 0],
      ['shown', 1],
    ] as const) {
      await mkdir(join(data, dataset), { recursive: true });
      for (const name of ['a', 'b']) {
        const picture = sharp({ create: { ...pixels, background: '#808080' } });
        await picture.jpeg().toFile(join(data, dataset, `${name}.jpg`));
        const labels = sharp(new Uint8Array(1200).fill(label), { raw: { ...pixels, channels: 1 } });
        await labels
          .toColourspace('b-w')
          .png()
          .toFile(join(data, dataset, `${name}.png`));
      }
    }
    const options = [...small(), '--episodes', '1', '--json'];
    const scores = JSON.parse((await run('evaluate', data, ...options)).stdout);
    expect(scores).toHaveLength(4);
    for (const score of scores)
      expect(score).toMatchObject({
        dataset: expect.stringMatching(/^(shown|mean)$/),
        episodes: 1,
        model: expect.any(Number),
      });
    await rm(join(data, 'shown'), { recursive: true });
    expect(await run('evaluate', data, ...options)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('at least 2 pictures NAME.jpg whose NAME.png shows a label'),
    });
  });

  it('quantises to int8: rounds each weight to half a step of its row, and paints with what that gives', async () => {
    const quantised = join(out, 'int8');
    const preprocessor = { size: { height: 32, width: 32 } };
    await writeFile(join(model, 'preprocessor_config.json'), JSON.stringify(preprocessor));
    expect((await run('quantize', model, quantised)).stdout).toMatch(/int8: 0\.0 MB/);
    const source = await openCheckpoint(quantised);
    const tensors = randomTensors();
    const rounded = { ...tensors };
    const quantisedNames: string[] = [];
    let changed = 0;
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      const stored = await source.read(name);
      if (!stored.scales) {
        expect([name, stored.dtype, [...stored.data]]).toEqual([name, 'F32', [...data]]);
        continue;
      }
      quantisedNames.push(name.replace(/.*layers\.\d\./, ''));
      const given = new Float32Array(data.buffer);
      const columns = given.length / shape[0];
      const values = given.map((value, i) => {
        const row = Math.floor(i / columns);
        const largest = Math.max(
          ...given.subarray(row * columns, (row + 1) * columns).map(Math.abs),
        );
        const scale = stored.scales![row];
        expect(scale).toBeCloseTo(largest / 63, 6);
        const back = new Int8Array(stored.data.buffer, stored.data.byteOffset)[i] * scale;
        expect(Math.abs(back - value)).toBeLessThanOrEqual((scale / 2) * (1 + 1e-5));
        if (back !== value) changed++;
        return back;
      });
      rounded[name] = { shape, data: new Uint8Array(values.buffer) };
    }
    expect(changed).toBeGreaterThan(0);
    const ofBlock = ['attention.qkv', 'attention.proj', 'mlp.lin1', 'mlp.lin2'];
    expect(new Set(quantisedNames)).toEqual(
      new Set([...ofBlock, 'decoder.decoder_embed'].map((name) => `${name}.weight`)),
    );
    await source.close();
    const floats = join(out, 'floats');
    await mkdir(floats);
    await writeFile(join(floats, 'config.json'), JSON.stringify(miniConfig));
    await writeFile(join(floats, 'preprocessor_config.json'), JSON.stringify(preprocessor));
    await writeFile(join(floats, 'model.safetensors'), safetensors(rounded));
    const painters = await Promise.all(
      [quantised, floats].map((path) => Painter.load(path, { backend: 'cpu' })),
    );
    const canvas = ndarray(
      Float32Array.from({ length: 32 * 16 * 3 }, (_, i) => Math.sin(i)),
      [1, 32, 16, 3],
    );
    const [a, b] = await Promise.all(
      painters.map((painter) => painter.paint({ images: canvas, masks: canvas })),
    );
    expect(largestDifference(a.data, b.data)).toBeLessThan(1e-4);
    for (const painter of painters) {
      expect(painter.inputSize).toEqual(preprocessor.size);
      painter.dispose();
    }
  });
});
