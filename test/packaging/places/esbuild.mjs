/**
 * esbuild and Rollup, which carry no files: the weights are copied beside the bundle, as the error says. For Node also where
 * the package is not installed any more, and as CommonJS, as Electron's main process wants it.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  command,
  executablePath,
  outcomeOf,
  pictures,
  project,
  segmenting,
  staticServer,
  versionOf,
  workplace,
  write,
} from '../harness.mjs';
import { opened, passes, segments } from '../expect.mjs';

const print = 'console.log(JSON.stringify(globalThis.outcome));';

export async function* checks(archive) {
  const directory = await project('esbuild', archive, {
    packages: ['esbuild', 'rollup', '@rollup/plugin-node-resolve'],
    files: {
      'page.js': segmenting(),
      'node.js': `(async () => {${segmenting("const { segmentInContext } = await import('seggpt');", './')}${print}})();`,
      'rollup.config.js': `
        import resolve from '@rollup/plugin-node-resolve';
        export default {
          input: 'page.js',
          output: { dir: 'rolled', format: 'es', entryFileNames: 'page.js' },
          plugins: [resolve({ browser: true })],
        };`,
    },
  });
  const weights = join(directory, 'node_modules/seggpt/weights');
  const versions = [
    `esbuild ${await versionOf(directory, 'esbuild')}`,
    `Rollup ${await versionOf(directory, 'rollup')}`,
  ];

  if (executablePath) {
    const esbuild = ['esbuild', 'page.js', '--bundle', '--format=esm', '--outfile=bundled/page.js'];
    await command(directory, 'npx', esbuild);
    await command(directory, 'npx', ['rollup', '-c', '--silent']);
    for (const [i, out] of ['bundled', 'rolled'].entries()) {
      write(directory, {
        [`${out}/index.html`]: '<!doctype html><script type="module" src="/page.js"></script>',
      });
      copyPictures(directory, join(directory, out));
      const { url, stop } = await staticServer(join(directory, out));
      yield await passes(`${versions[i]}, browser: the error says what to copy`, async () => {
        const { error = 'no error' } = await outcomeOf(`${url}/`);
        if (!/copy node_modules\/seggpt\/weights .*seggpt-weights/.test(error))
          throw new Error(error);
      });
      cpSync(weights, join(directory, out, 'seggpt-weights'), { recursive: true });
      yield* opened(`${versions[i]}, browser`, `${url}/`, () => stop);
    }
  }

  const elsewhere = join(workplace, 'elsewhere');
  mkdirSync(elsewhere);
  copyPictures(directory, elsewhere);
  cpSync(join(directory, 'node_modules/sharp'), join(elsewhere, 'node_modules/sharp'), {
    recursive: true,
  });
  for (const name of ['@img', 'detect-libc', 'semver'])
    cpSync(join(directory, 'node_modules', name), join(elsewhere, 'node_modules', name), {
      recursive: true,
    });
  copyPictures(directory, directory);
  for (const format of ['esm', 'cjs']) {
    const file = format === 'esm' ? 'app.mjs' : 'app.cjs';
    await command(directory, 'npx', [
      ...['esbuild', 'node.js', '--bundle', '--platform=node', `--format=${format}`],
      ...['--external:sharp', `--outfile=out/${file}`, '--log-level=error'],
    ]);
    const node = process.execPath;
    yield* segments(directory, `${versions[0]}, Node, ${format}`, node, [`out/${file}`]);
    cpSync(join(directory, 'out', file), join(elsewhere, file));
    yield await passes(
      `${versions[0]}, ${format} moved elsewhere: the error says what to copy`,
      async () => {
        const { stdout } = await command(elsewhere, node, [file]);
        if (!/copy node_modules\/seggpt\/weights .*seggpt-weights/.test(stdout))
          throw new Error(stdout);
      },
    );
  }
  cpSync(weights, join(elsewhere, 'seggpt-weights'), { recursive: true });
  for (const file of ['app.mjs', 'app.cjs'])
    yield* segments(elsewhere, `${versions[0]}, ${file} elsewhere with weights`, process.execPath, [
      file,
    ]);
}

function copyPictures(directory, to) {
  for (const picture of pictures) cpSync(join(directory, 'public', picture), join(to, picture));
}
