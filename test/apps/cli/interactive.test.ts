/** Clicks, everything, prompts that point and objects on the command line, with the bundled models. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMask } from '../../../src/masks/read-mask';
import { regionSimilarity } from '../../../src/evaluation/davis';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(600_000);

const cli = buildCli(__filename);
const cup = 'examples/cup-1.jpg';
let out: string;
beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'seggpt-clicks-'))));
afterEach(() => rm(out, { recursive: true }));

const run = (...args: string[]) => runCli(cli, [...args, '--backend', 'wasm']);

async function inside(path: string): Promise<Uint8Array> {
  const options = { argument: path, limits: { maxPixels: 1e8 } };
  return (await readMask(path, options, new Map())).data.map((label) => (label ? 1 : 0));
}

it('click writes the mask of what a point and a box show, and says what it expects', async () => {
  const mask = await inside('examples/cup-1.png');
  const asked = ['--box', '74,18,480,383', '--point', '270,200'];
  const { code, stdout } = await run('click', cup, ...asked, '--out', out, '--json');
  expect(code).toBe(0);
  const [{ masks, width, height }] = JSON.parse(stdout).results;
  expect(masks).toHaveLength(1);
  expect(mask).toHaveLength(width * height);
  expect((await readdir(out)).sort()).toEqual(['cup-1.mask-1.png', 'cup-1.overlay.png']);
  const found = await inside(join(out, 'cup-1.mask-1.png'));
  expect(found.filter(Boolean)).toHaveLength(masks[0].area);
  expect(regionSimilarity(found, mask)).toBeGreaterThan(0.8);
  expect(masks[0].predicted_iou).toBeGreaterThan(0.5);
});

it.each([
  [['click', cup], /show something: give --point X,Y or --box/],
  [['click', cup, '--point', '300'], /--point/],
  [['click', cup, '--point', '90000,5'], /outside the picture of 600 x 400/],
  [['segment', cup, '--prompt', cup, 'point:3'], /"point:3" is no click/],
  [
    ['track', 'examples/cat-video', '--prompt', cup, 'point:300,250', '--instances'],
    /unknown option/,
  ],
])('refuses %j', async (args, message) => {
  const { code, stderr } = await run(...args, '--out', out);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(message);
  expect(await readdir(out)).toEqual([]);
});

it('everything tells what it found, and writes SAM’s own JSON', async () => {
  const grid = ['--points-per-side', '4', '--save', 'json'];
  const { code, stdout } = await run('everything', cup, ...grid, '--out', out);
  expect(code).toBe(0);
  expect(stdout).toMatch(/cup-1\.jpg {2}[\d.]+ s {2}\d+ masks/);
  const found = JSON.parse(await readFile(join(out, 'cup-1.masks.json'), 'utf8'));
  expect(found.length).toBeGreaterThan(0);
  expect(Object.keys(found[0]).sort()).toEqual(
    ['area', 'bbox', 'predicted_iou', 'segmentation', 'stability_score'].sort(),
  );
});

it('a click on one picture finds the thing in another, split into objects', async () => {
  const prompt = ['--prompt', cup, 'box:74,18,480,383', '--instances', '--save', 'labels,coco'];
  const { code, stdout } = await run('segment', 'examples/cup-2.jpg', ...prompt, '--out', out);
  expect(code).toBe(0);
  expect(stdout).toMatch(/1: \d+ px, score [\d.]+, \d+ objects/);
  const truth = await inside('examples/cup-2.png');
  const labels = await inside(join(out, 'cup-2.labels.png'));
  expect(regionSimilarity(labels, truth)).toBeGreaterThan(0.8);
  const { annotations } = JSON.parse(await readFile(join(out, 'coco.json'), 'utf8'));
  const area = annotations.reduce((sum: number, each: { area: number }) => sum + each.area, 0);
  expect(area).toBe(labels.filter(Boolean).length);
});

it('evaluate --task clicks counts clicks', async () => {
  const folder = join(out, 'cups');
  await mkdir(folder);
  for (const name of ['cup-1.jpg', 'cup-1.png'])
    await copyFile(`examples/${name}`, join(folder, name));
  const { code, stdout } = await run('evaluate', out, '--task', 'clicks', '--json');
  expect(code).toBe(0);
  const [score, mean] = JSON.parse(stdout);
  expect(score).toMatchObject({ dataset: 'cups', objects: 1 });
  expect(mean).toMatchObject({ dataset: 'mean', objects: 1 });
  expect(score.after5).toBeGreaterThan(0.85);
  expect(score.to85).toBeLessThanOrEqual(5);
});
