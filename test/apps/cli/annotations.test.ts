/** Annotation files as prompts, and what `--save` writes for other tools, with a model of a few milliseconds. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { copyingConfig, copyingTensors } from '../../helpers/copying-checkpoint';
import { encode } from '../../helpers/picture';
import { labels, scene } from '../../helpers/scenes';
import { miniConfig, randomTensors, safetensors } from '../../helpers/tiny-checkpoint';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(180_000);

const cli = buildCli(__filename);
const fixtures = 'test/fixtures/prompts';
const target = `${fixtures}/target.jpg`;
let out: string;
let small: string[];

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'seggpt-annotations-'));
  const model = join(out, 'model');
  await mkdir(model);
  await writeFile(join(model, 'config.json'), JSON.stringify(miniConfig));
  await writeFile(join(model, 'model.safetensors'), safetensors(randomTensors()));
  small = ['--model', model, '--backend', 'wasm', '--out', join(out, 'found')];
});
afterEach(() => rm(out, { recursive: true }));

const run = (...args: string[]) => runCli(cli, ['segment', ...args, ...small]);

it.each(['coco-polygon.json', 'coco-rle.json', 'coco-rle_uncompressed.json', 'labelme.json'])(
  'takes %s as the mask of an image, with its names',
  async (name) => {
    const prompt = ['--prompt', `${fixtures}/image.jpg`, `${fixtures}/${name}`];
    const { code, stdout } = await run(target, ...prompt, '--json');
    expect(code).toBe(0);
    const [{ masks }] = JSON.parse(stdout).results;
    expect(masks.map(({ name: found }: { name: string }) => found)).toEqual(['disc', 'square']);
  },
);

it('takes a whole file as prompts, and what follows it as targets', async () => {
  const folder = join(out, 'set');
  await mkdir(join(folder, 'annotations'), { recursive: true });
  await mkdir(join(folder, 'images'));
  for (const name of ['one.jpg', 'two.jpg'])
    await copyFile(`${fixtures}/image.jpg`, join(folder, 'images', name));
  const coco = JSON.parse(await readFile(`${fixtures}/coco-rle.json`, 'utf8'));
  coco.images = ['one.jpg', 'two.jpg', 'bare.jpg'].map((file_name, i) => ({
    ...{ id: i + 1, file_name, width: 160, height: 120 },
  }));
  coco.annotations[1].image_id = 2; // each picture shows one category
  const file = join(folder, 'annotations', 'instances.json');
  await writeFile(file, JSON.stringify(coco));
  const { code, stdout, stderr } = await run('--prompt', file, target, '--json');
  expect(stderr).toContain(
    `${file}: 2 prompt(s); left out 1 picture(s) in which nothing is marked\n`,
  );
  expect(code).toBe(0);
  const { prompts, results } = JSON.parse(stdout);
  expect(prompts).toEqual(
    ['one.jpg', 'two.jpg'].map((name) => ({ image: join(folder, 'images', name), mask: file })),
  );
  expect(results[0].masks).toMatchObject([
    { label: 1, name: 'disc' },
    { label: 2, name: 'square' },
  ]);
});

it('names what is wrong with annotation files, before a model is loaded', async () => {
  const lost = join(out, 'lost.json');
  const text = await readFile(`${fixtures}/coco-rle.json`, 'utf8');
  await writeFile(lost, text);
  expect(await run('--prompt', lost, target)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`--prompt ${lost}: "image.jpg" cannot be found beside it`),
  });
  const none = join(out, 'none.json');
  expect(await run('--prompt', none, target)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`--prompt ${none}: it cannot be read`),
  });
  const broken = join(out, 'broken.json');
  await writeFile(broken, text.replace('"size": [120, 160]', '"size": [120, 161]'));
  expect(await run('--prompt', `${fixtures}/image.jpg`, broken, target)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `--prompt ${broken}: annotations[0].segmentation is of the size [120, 161], but its image is [120, 160]`,
    ),
  });
});

it('saves every format, of which one can be the next prompt', async () => {
  const kinds = 'coco,panoptic,labelme,label-studio,cvat,yolo,voc,geojson';
  const model = join(out, 'copying');
  await mkdir(model);
  await writeFile(join(model, 'config.json'), JSON.stringify(copyingConfig));
  await writeFile(join(model, 'model.safetensors'), safetensors(copyingTensors()));
  small = ['--model', model, '--backend', 'wasm', '--out', join(out, 'found')];
  const rows = [
    '........',
    '.rr.....',
    '.rr..gg.',
    '.....gg.',
    '........',
    '........',
    '........',
    '........',
  ];
  const marks = [
    '........',
    '.11.....',
    '.11..22.',
    '.....22.',
    '........',
    '........',
    '........',
    '........',
  ];
  const [image, mask] = [join(out, 'image.png'), join(out, 'mask.png')];
  const picture = scene(rows);
  await writeFile(image, await encode('png', picture.data, picture.width, picture.height));
  const map = labels(marks);
  await writeFile(mask, await encode('png', map.data, map.width, map.height, 1));
  const target = join(out, 'target.png');
  await copyFile(image, target);
  const prompt = ['--prompt', image, mask, '--labels', '1=disc,2=square'];
  const { code, stdout } = await run(target, ...prompt, '--save', kinds, '--json');
  expect(code).toBe(0);
  const found = join(out, 'found');
  const files = (await readdir(found, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(found.length + 1))
    .sort();
  const single = [
    'labelme/target.json',
    'panoptic/target.png',
    'target.geojson',
    'voc/SegmentationClass/target.png',
    'voc/SegmentationObject/target.png',
    'yolo/labels/target.txt',
  ];
  const shared = ['coco.json', 'cvat.xml', 'label-studio.json', 'panoptic.json'];
  expect(files).toEqual([...single, ...shared, 'voc/labelmap.txt', 'yolo/data.yaml'].sort());
  const [{ files: listed }] = JSON.parse(stdout).results;
  expect([...listed].sort()).toEqual(single.map((file) => join(found, file)));
  for (const file of ['labelme/target.json', 'coco.json', 'cvat.xml', 'label-studio.json']) {
    const again = await run(target, '--prompt', target, join(found, file), '--json');
    expect(again.stderr).toBe('');
    const masks = JSON.parse(again.stdout).results[0].masks as { name: string; area: number }[];
    expect(masks.map(({ name, area }) => [name, area])).toEqual([
      ['disc', 64],
      ['square', 64],
    ]);
  }
  const labelme = JSON.parse(await readFile(join(found, 'labelme/target.json'), 'utf8'));
  await expect(readFile(join(found, 'labelme', labelme.imagePath))).resolves.toBeDefined();
});

describe('folders', () => {
  const put = async (files: Record<string, string>) => {
    const folder = join(out, 'folder');
    for (const [to, from] of Object.entries(files)) {
      await mkdir(dirname(join(folder, to)), { recursive: true });
      await copyFile(join('test/fixtures', from), join(folder, to));
    }
    return folder;
  };
  const masksOf = async (folder: string, layout: string) => {
    const { code, stdout, stderr } = await run('--prompt', folder, target, '--json');
    expect(stderr).toContain(`${folder}: 1 prompt(s), ${layout}\n`);
    expect(code).toBe(0);
    const { prompts, results } = JSON.parse(stdout);
    expect(Object.keys(prompts[0])).toEqual(['image', 'mask']);
    return results[0].masks.map(({ label, name }: { label: number; name: string }) => [
      label,
      name,
    ]);
  };
  const picture = 'annotations/scene.png'; // any of the scene's size

  it('takes VOC', async () => {
    const folder = await put({
      'JPEGImages/scene.png': picture,
      'SegmentationClass/scene.png': 'written/voc/SegmentationClass/scene.png',
      'labelmap.txt': 'written/voc/labelmap.txt',
    });
    expect(await masksOf(folder, 'VOC')).toEqual([
      [1, 'disc'],
      [2, 'frame'],
      [3, 'dot'],
    ]);
  });

  it('takes DAVIS', async () => {
    const folder = await put({
      'JPEGImages/480p/a/0.png': picture,
      'Annotations/480p/a/0.png': 'annotations/davis-2017.png',
    });
    expect(await masksOf(folder, 'DAVIS')).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
    ]);
  });

  it('takes YOLO', async () => {
    const folder = await put({
      'images/scene.png': picture,
      'labels/scene.txt': 'written/yolo/scene.txt',
      'data.yaml': 'written/yolo/data.yaml',
    });
    expect(await masksOf(folder, 'YOLO')).toEqual([
      [1, 'disc'],
      [2, 'frame'],
      [3, 'dot'],
    ]);
    await rm(join(folder, 'data.yaml'));
    await copyFile(join(folder, 'labels/scene.txt'), join(folder, 'labels/other.txt'));
    expect(await run('--prompt', folder, target)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"labels/other.txt" has no picture (read as YOLO)'),
    });
  });
});
