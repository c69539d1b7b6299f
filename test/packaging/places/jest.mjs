/** Jest and Vitest with their defaults: `require` and `import`, in Node's and in jsdom's environment. */
import { command, project, versionOf } from '../harness.mjs';
import { passes } from '../expect.mjs';

const body = (example) => `
test('segments', async () => {
  const example = (name) => ${example} + '/' + name;
  const result = await segmentInContext([{ image: example('cup-1.jpg'), mask: example('cup-1.png') }], example('cup-2.jpg'));
  expect(result.masks[0].area).toBeGreaterThan(10000);
  expect(result.engine).toBe('wasm');
  await releaseModels();
}, 60000);`;
const names = '{ segmentInContext, releaseModels }';
const required = (environment) => `/** @jest-environment ${environment} */
const ${names} = require('seggpt');
${body('__dirname')}`;
const imported = (environment) => `// @vitest-environment ${environment}
import { expect, test } from 'vitest';
import ${names} from 'seggpt';
${body('import.meta.dirname')}`;

export async function* checks(archive) {
  const jest = await project('jest', archive, {
    packages: ['jest@30', 'jest-environment-jsdom@30'],
    picturesIn: '.',
    files: {
      'package.json': JSON.stringify({ name: 'jest-project', version: '1.0.0', private: true }),
      'node.test.js': required('node'),
      'jsdom.test.js': required('jsdom'),
    },
  });
  const version = `Jest ${await versionOf(jest, 'jest')}`;
  for (const environment of ['node', 'jsdom'])
    yield await passes(`${version}, ${environment}`, async () => {
      await command(jest, 'npx', ['jest', `${environment}.test.js`]);
    });

  const vitest = await project('vitest', archive, {
    packages: ['vitest', 'jsdom'],
    picturesIn: '.',
    files: {
      'node.test.js': imported('node'),
      'jsdom.test.js': imported('jsdom'),
    },
  });
  const name = `Vitest ${await versionOf(vitest, 'vitest')}`;
  for (const pool of ['forks', 'threads'])
    for (const environment of ['node', 'jsdom'])
      yield await passes(`${name}, ${environment}, ${pool}`, async () => {
        await command(vitest, 'npx', ['vitest', 'run', `--pool=${pool}`, `${environment}.test.js`]);
      });
}
