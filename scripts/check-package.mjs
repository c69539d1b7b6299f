/**
 * Checks what would be published: the list of files, and how much a page loads at once. That the package works where it is
 * installed is what `test/packaging/run.mjs` sees.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';

const checks = [];
const check = (name, passed, detail = '') => checks.push({ name, passed: Boolean(passed), detail });

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', tmpdir()], {
    encoding: 'utf8',
  }),
);
const [again] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--dry-run'], { encoding: 'utf8' }),
);
check('packed twice it is the same, byte for byte', packed.integrity === again.integrity);

// The lockfile names no place: packages come from the registry that npm is set to, and are held to their sums.
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const loose = Object.entries(packages).filter(
  ([path, { resolved, integrity, link, inBundle }]) =>
    path !== '' && !inBundle && (link || resolved || !/^sha512-/.test(integrity)),
);
check(
  'every package of the lockfile is held to a SHA-512, and to no place but the registry',
  loose.length === 0,
  loose.map(([path]) => path).join(', '),
);

const stray = packed.files
  .map(({ path }) => path)
  .filter(
    (path) =>
      !/^(dist|weights)\/|^(docs|training)\/[\w-]+\.(md|jpg)$|^(README|CHANGELOG|THIRD-PARTY-NOTICES)\.md$|^(LICENSE|package\.json)$/.test(
        path,
      ),
  );
check(
  'the package holds dist, weights, documentation, LICENSE and nothing else',
  stray.length === 0,
  stray.join(', '),
);
for (const needed of [
  'dist/node/index.js',
  'dist/node/index.cjs',
  'dist/node/cli.js',
  'dist/browser/index.js',
  'dist/app/index.html',
  'weights/model.safetensors',
  'weights/checksums.json',
  'THIRD-PARTY-NOTICES.md',
  'LICENSE',
  'README.md',
]) {
  check(
    `it holds ${needed}`,
    packed.files.some(({ path }) => path === needed),
  );
}

check(
  'the page brings no second copy of the weights',
  !packed.files.some(({ path }) => path.startsWith('dist/app/seggpt-weights')),
);

const held = new Set(packed.files.map(({ path }) => path));
for (const page of [...held].filter((path) => path.endsWith('.md'))) {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?![a-z]+:|#)([^)#]+)/g)].map(
    ([, to]) => normalize(join(dirname(page), to)),
  );
  const broken = links.filter((to) => !held.has(to));
  check(`links of ${page} lead into the package`, broken.length === 0, broken.join(', '));
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
// Bundlers minify; served as they are, the files are larger by a half.
const minified = modules.map((text) => transformSync(text, { minify: true }).code).join('\n');
const [gzipped, plain] = [minified, browser].map((text) => gzipSync(text).length);
console.log(
  `browser: ${modules.length} modules at once, ${(gzipped / 1000).toFixed(1)} kB minified and gzipped, ${(plain / 1000).toFixed(1)} kB as they are`,
);
check(
  'what browsers load at once is under 70 kB minified and gzipped',
  gzipped < 70_000,
  `${gzipped} bytes`,
);
check('the browser bundle imports nothing of Node', !/(from|import\()\s*['"]node:/.test(browser));
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const entry of Object.keys(exports).flatMap((path) => /^\.\/([a-z]+)$/.exec(path)?.[1] ?? []))
  check(
    `it holds seggpt/${entry} with its types`,
    ['js', 'cjs', 'd.ts', 'd.cts'].every((end) =>
      packed.files.some(({ path }) => path === `dist/node/${entry}.${end}`),
    ),
  );

rmSync(join(tmpdir(), packed.filename));

for (const { name, passed, detail } of checks)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}${detail && !passed ? `: ${detail}` : ''}`);
const failed = checks.filter(({ passed }) => !passed).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
