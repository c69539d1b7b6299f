import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(120_000);

const [image, mask] = ['examples/cat-video/000.jpg', 'examples/cat-video/000.png'];
const target = 'examples/cat-video/002.jpg';
let out: string;
let cli: string;
beforeAll(async () => {
  cli = buildCli(__filename);
  out = await mkdtemp(join(tmpdir(), 'seggpt-small-'));
});
afterAll(() => rm(out, { recursive: true }));

const segment = (...args: string[]) =>
  runCli(cli, [
    ...['segment', target, '--prompt', image, mask, '--backend', 'wasm', '--out', out],
    ...['--save', 'coco', '--json', ...args],
  ]);
const saved = async () => JSON.parse(await readFile(join(out, 'coco.json'), 'utf8'));

it('leaves what is absent out of coco.json', async () => {
  const found = await segment();
  const [{ present, strength, area }] = JSON.parse(found.stdout).results[0].masks;
  expect(present).toBe(true);
  expect(strength).toBeGreaterThan(0.57);
  expect((await saved()).annotations).toHaveLength(1);
  const strict = await segment('--minimum-area', String(area * 2));
  expect(JSON.parse(strict.stdout).results[0].masks[0]).toMatchObject({ present: false, area: 0 });
  expect(await saved()).toMatchObject({ annotations: [], categories: [{ id: 1 }] });
});

it('segments by tiles', async () => {
  const { code, stdout } = await segment('--tiles', '2', '--save', 'painting');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).results[0].masks[0].present).toBe(true);
  const { code: bad, stderr } = await segment('--tiles', 'many');
  expect(stderr).toMatch(
    /--tiles.* It must be a whole number of at least 1, a side as in 512px, or auto/,
  );
  expect(bad).toBe(2);
});
