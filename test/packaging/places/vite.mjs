/** Vite: development server, build and preview, a web worker, and a build whose files come from another origin. */
import { join } from 'node:path';
import {
  command,
  outcomeOf,
  project,
  segmenting,
  serving,
  staticServer,
  versionOf,
} from '../harness.mjs';
import { notACup } from '../expect.mjs';

export const needsBrowser = true;

const html = (script) => `<!doctype html><script type="module" src="${script}"></script>`;
const files = {
  'index.html': html('/main.js'),
  'main.js': segmenting(),
  'worker.html': html('/from-worker.js'),
  'from-worker.js': `
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => (globalThis.outcome = data);
    worker.onerror = ({ message }) => (globalThis.outcome = { error: message });`,
  'worker.js': `${segmenting()}postMessage(globalThis.outcome);`,
};
let port = 5300;

export async function* checks(archive) {
  for (const major of ['7', '8']) {
    const directory = await project(`vite-${major}`, archive, {
      packages: [`vite@${major}`],
      files,
    });
    const version = `Vite ${await versionOf(directory, 'vite')}`;
    const vite = (...args) => ['vite', ...args];

    const development = `http://127.0.0.1:${++port}/`;
    yield* opened(`${version}, dev`, development, () =>
      serving(
        directory,
        'npx',
        vite('--host', '127.0.0.1', '--port', `${port}`, '--strictPort'),
        development,
      ),
    );
    await command(directory, 'npx', vite('build'));
    const preview = `http://127.0.0.1:${++port}/`;
    yield* opened(`${version}, build and preview`, preview, () =>
      serving(
        directory,
        'npx',
        vite('preview', '--host', '127.0.0.1', '--port', `${port}`, '--strictPort'),
        preview,
      ),
    );
    if (major === '7') continue;
    await command(directory, 'npx', [
      ...vite('build', '--outDir', 'dist-worker'),
      ...['--config', 'worker.config.js'],
    ]).catch((error) => error);
    const worker = await workerBuild(directory);
    yield* opened(`${version}, in a web worker`, `${worker.url}/worker.html`, () => worker.stop);
  }
}

async function workerBuild(directory) {
  const { write } = await import('../harness.mjs');
  write(directory, {
    'worker.config.js': `export default { build: { rollupOptions: { input: 'worker.html' } }, worker: { format: 'es' } };`,
  });
  await command(directory, 'npx', [
    'vite',
    'build',
    '--outDir',
    'dist-worker',
    '--config',
    'worker.config.js',
  ]);
  return staticServer(join(directory, 'dist-worker'));
}

async function* opened(check, url, start) {
  let stop;
  try {
    stop = await start();
    const outcome = await outcomeOf(url);
    yield {
      check,
      detail: `${outcome.engine}, ${Math.round(outcome.ms)} ms`,
      failure: notACup(outcome),
    };
  } catch (error) {
    yield { check, failure: error.message };
  } finally {
    stop?.();
  }
}
