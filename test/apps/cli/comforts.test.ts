/** What makes the command pleasant, with a model of a few milliseconds. */
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

/** Copies examples by number, as `number: name in the temporary directory`. */
async function copy(names: Record<string, string>): Promise<void> {
  for (const [from, to] of Object.entries(names)) {
    await mkdir(dirname(join(out, to)), { recursive: true });
    await copyFile(join(examples, from), join(out, to));
  }
}

it('segments a directory and a pattern by a folder of prompts, and saves what several flags ask for', async () => {
  await copy({
    '000.jpg': 'prompts/a.jpg',
    '000.png': 'prompts/a.png',
    '004.jpg': 'targets/t10.jpg',
    '003.jpg': 'targets/t9.jpg',
    '002.jpg': 'more/m.jpg',
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
  await copy({ '000.jpg': 'prompts/a.jpg' });
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
