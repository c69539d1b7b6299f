/** Plain Node: modules, CommonJS, subpaths, the command, and what an install brings. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, project, segmenting } from '../harness.mjs';
import { notACup, passes, segments } from '../expect.mjs';

const MOST_PACKAGES = 25;
const MOST_MEGABYTES = 60;
const VERSIONS = ['22', '24', '26'];

const print = 'console.log(JSON.stringify(globalThis.outcome));';
const commonJs = `
const { segmentInContext } = require('seggpt');
(async () => {${segmenting('', './')}${print}})();`;
const { exports } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
);
const subpaths = Object.keys(exports).flatMap((path) => /^\.\/([a-z]+)$/.exec(path)?.[1] ?? []);
const importSubpaths = `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
for (const name of ${JSON.stringify(subpaths)}) {
  const [module, common] = [await import('seggpt/' + name), require('seggpt/' + name)];
  const missing = Object.keys(module).filter((key) => !(key in common));
  if (Object.keys(module).length === 0 || missing.length) throw new Error(name + ' lacks ' + missing);
}`;
const quiet = `
const before = Object.getOwnPropertyNames(globalThis).length;
const handles = process.getActiveResourcesInfo().length;
await import('seggpt');
if (Object.getOwnPropertyNames(globalThis).length !== before) throw new Error('importing touched globals');
if (process.getActiveResourcesInfo().length > handles) throw new Error('importing started something');`;

export async function* checks(archive) {
  const directory = await project('node', archive, {
    picturesIn: '.',
    files: {
      'esm.mjs': `${segmenting(undefined, './')}${print}`,
      'cjs.cjs': commonJs,
      'subpaths.mjs': importSubpaths,
      'quiet.mjs': quiet,
      'missing.mjs': `
        import { InContextSegmenter } from 'seggpt';
        await InContextSegmenter.load('bundled', { backend: process.argv[2] }).catch((error) => console.log(error.name + ': ' + error.message));`,
    },
  });
  const packages = readdirSync(join(directory, 'node_modules'), { recursive: true }).filter(
    (path) => /(^|node_modules\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(path),
  ).length;
  const { stdout } = await command(directory, 'du', ['-sm', '--exclude=@img', 'node_modules']);
  const size = Number(stdout.split('\t')[0]);
  yield {
    check: 'an install stays small',
    detail: `${packages} packages, ${size} MB without sharp's own`,
    failure: packages > MOST_PACKAGES || size > MOST_MEGABYTES ? 'too much' : undefined,
  };
  const node = process.execPath;
  yield* segments(directory, 'import', node, ['esm.mjs']);
  yield* segments(directory, 'require', node, ['cjs.cjs']);
  yield await passes('subpaths leave the same names both ways', () =>
    command(directory, node, ['subpaths.mjs']),
  );
  yield await passes('importing does nothing', () => command(directory, node, ['quiet.mjs']));
  for (const [backend, needed] of [
    ['webgpu', 'npm install @tensorflow/tfjs @tensorflow/tfjs-backend-webgpu webgpu'],
    ['cpu', 'npm install @tensorflow/tfjs'],
    ['tensorflow', 'npm install @tensorflow/tfjs-node'],
  ])
    yield await passes(`a missing ${backend} says what to install`, async () => {
      const { stdout } = await command(directory, node, ['missing.mjs', backend]);
      if (!stdout.startsWith('BackendError') || !stdout.includes(needed)) throw new Error(stdout);
    });
  yield await passes('the command segments', async () => {
    const args = ['segment', 'cup-2.jpg', '--prompt', 'cup-1.jpg', 'cup-1.png', '--json'];
    const { stdout, stderr } = await command(directory, 'npx', ['seggpt', ...args]);
    const outcome = JSON.parse(stdout).results[0].masks[0];
    const failure = notACup(outcome) ?? (stderr.includes('rror') ? stderr : undefined);
    if (failure) throw new Error(failure);
  });
  for (const version of VERSIONS)
    yield* segments(directory, `Node ${version}`, 'npx', [
      '--yes',
      '-p',
      `node@${version}`,
      'node',
      'esm.mjs',
    ]);
}
