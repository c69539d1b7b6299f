/** webpack 5: for browsers without configuration; for Node with sharp left outside, as sharp itself asks for. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import {
  command,
  executablePath,
  pictures,
  project,
  segmenting,
  staticServer,
  versionOf,
  write,
} from '../harness.mjs';
import { opened, passes, segments } from '../expect.mjs';

export async function* checks(archive) {
  const directory = await project('webpack', archive, {
    packages: ['webpack@5', 'webpack-cli'],
    files: {
      'src/index.js': segmenting(),
      'node.config.js': `export default {
        mode: 'production', target: 'node', entry: './src/node.js', externals: { sharp: 'commonjs sharp' },
        output: { path: import.meta.dirname + '/node-dist', filename: 'main.cjs' },
      };`,
      'src/node.js': `${segmenting(undefined, './')}console.log(JSON.stringify(globalThis.outcome));`,
    },
  });
  const version = `webpack ${await versionOf(directory, 'webpack')}`;
  const args = ['webpack', '--mode', 'production'];
  if (executablePath) {
    await command(directory, 'npx', args);
    write(directory, {
      'dist/index.html': '<!doctype html><script type="module" src="/main.js"></script>',
    });
    copyPictures(directory, 'dist');
    const { url, stop } = await staticServer(join(directory, 'dist'));
    yield* opened(`${version}, browser`, `${url}/`, () => stop);
  }
  yield await passes(`${version}, Node: builds without a warning`, async () => {
    const { stdout } = await command(directory, 'npx', ['webpack', '-c', 'node.config.js']);
    if (/WARNING|ERROR/.test(stdout)) throw new Error(stdout);
  });
  copyPictures(directory, '.');
  yield* segments(directory, `${version}, Node`, process.execPath, ['node-dist/main.cjs']);
}

function copyPictures(directory, to) {
  for (const picture of pictures)
    cpSync(join(directory, 'public', picture), join(directory, to, picture));
}
