/**
 * Checks what would be published: the list of files, the size of the bundles, that importing does no
 * work, and that the package works when installed, in ESM and in CJS.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const checks = [];
const check = (name, passed, detail = '') => checks.push({ name, passed: Boolean(passed), detail });
const root = process.cwd();

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', tmpdir()], {
    encoding: 'utf8',
  }),
);
const stray = packed.files
  .map(({ path }) => path)
  .filter((path) => !/^(dist|weights)\/|^(README\.md|LICENSE|package\.json)$/.test(path));
check(
  'the package holds dist, weights, README, LICENSE and nothing else',
  stray.length === 0,
  stray.join(', '),
);
for (const needed of [
  'dist/node/index.js',
  'dist/node/index.cjs',
  'dist/node/cli.js',
  'dist/browser/index.js',
  'weights/model.safetensors',
  'LICENSE',
  'README.md',
]) {
  check(
    `it holds ${needed}`,
    packed.files.some(({ path }) => path === needed),
  );
}

/** A module of the browser build with everything it imports at once; what is imported later does not count. */
const eager = (file, seen = new Set()) => {
  if (!seen.has(file)) {
    seen.add(file);
    const text = readFileSync(join('dist/browser', file), 'utf8');
    for (const [, next] of text.matchAll(/(?:^|\n)(?:import|export)[^'"]*['"]\.\/([^'"]+)['"]/g))
      eager(next, seen);
  }
  return seen;
};
const modules = [...eager('index.js')].map((file) =>
  readFileSync(join('dist/browser', file), 'utf8'),
);
const browser = modules.join('\n');
const gzipped = gzipSync(browser).length;
console.log(`browser: ${modules.length} modules at once, ${gzipped} bytes gzipped`);
check('what browsers load at once is under 120 kB gzipped', gzipped < 120_000, `${gzipped} bytes`);
check('the browser bundle imports nothing of Node', !/(from|import\()\s*['"]node:/.test(browser));
for (const entry of [
  'painter',
  'checkpoints',
  'masks',
  'annotations',
  'engines',
  'options',
  'video',
  'evaluation',
])
  check(
    `it holds seggpt/${entry} with its types`,
    ['js', 'cjs', 'd.ts', 'd.cts'].every((end) =>
      packed.files.some(({ path }) => path === `dist/node/${entry}.${end}`),
    ),
  );

// Install by hand: the tarball beside this project's own dependencies.
const consumer = mkdtempSync(join(tmpdir(), 'seggpt-consumer-'));
mkdirSync(join(consumer, 'node_modules'));
execFileSync('tar', ['xzf', join(tmpdir(), packed.filename), '-C', consumer]);
execFileSync('mv', [join(consumer, 'package'), join(consumer, 'node_modules', 'seggpt')]);
symlinkSync(join(root, 'node_modules'), join(consumer, 'node_modules', 'seggpt', 'node_modules'));
const program = `
  const before = Object.getOwnPropertyNames(globalThis).length;
  const handles = process.getActiveResourcesInfo().length;
  const LOAD;
  if (Object.getOwnPropertyNames(globalThis).length !== before) throw new Error('importing touched globals');
  if (process.getActiveResourcesInfo().length > handles) throw new Error('importing started something');
  const example = (name) => ${JSON.stringify(join(root, 'examples'))} + '/' + name;
  const run = async () => {
    const result = await segmentInContext([{ image: example('cup-1.jpg'), mask: example('cup-1.png') }], example('cup-2.jpg'), { backend: 'wasm' });
    if (!result.masks[0].present) throw new Error('no cup was found');
    await releaseModels();
  };
  run().then(() => console.log('ok'), (error) => { console.error(error); process.exit(1); });
`;
const names = '{ segmentInContext, releaseModels }';
writeFileSync(
  join(consumer, 'esm.mjs'),
  program.replace('LOAD', `${names} = await import('seggpt')`),
);
writeFileSync(join(consumer, 'cjs.cjs'), program.replace('LOAD', `${names} = require('seggpt')`));
for (const file of ['esm.mjs', 'cjs.cjs']) {
  try {
    const printed = execFileSync(process.execPath, [file], {
      cwd: consumer,
      encoding: 'utf8',
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    check(
      `${file}: imports without side effects, segments, and exits by itself`,
      printed.trim() === 'ok',
      printed,
    );
  } catch (error) {
    check(
      `${file}: imports without side effects, segments, and exits by itself`,
      false,
      String(error.stderr ?? error).slice(0, 800),
    );
  }
}
rmSync(consumer, { recursive: true });
rmSync(join(tmpdir(), packed.filename));

for (const { name, passed, detail } of checks)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}${detail && !passed ? `: ${detail}` : ''}`);
const failed = checks.filter(({ passed }) => !passed).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
