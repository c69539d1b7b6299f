/**
 * Changes sources in small ways, one at a time, and tells which changes the tests of the same folder do not notice:
 * `npm run mutants -- src/colors/decode.ts`. Other folders or files of tests may be named behind it. Run by hand.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

const given = process.argv.slice(2);
const sources = given.filter((path) => path.startsWith('src/'));
const named = given.filter((path) => path.startsWith('test/'));
if (sources.length === 0 || sources.length + named.length < given.length) {
  console.error('Usage: npm run mutants -- src/FILE.ts[:FROM-TO] … [test/FOLDER_OR_FILE …]');
  process.exit(2);
}

/** The folder of tests nearest to a source's own: not all that is above it, which would take an hour. */
function folderOf(source) {
  let folder = dirname(source).replace(/^src/, 'test');
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}
const tests = named.length > 0 ? named : [...new Set(sources.map(folderOf))];
const { default: jestConfig } = await import(resolve('jest.config.mjs'));

process.env.SEGGPT_SKIP_BACKENDS ??= 'webgpu,webgl,tensorflow';
process.env.SEGGPT_STREAMED_FRAMES ??= '40';
const results = await new Stryker({
  mutate: sources,
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner', resolve('scripts/ignore-messages.mjs')],
  ignorers: ['messages'],
  disableTypeChecks: false,
  testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings'],
  jest: {
    projectType: 'custom',
    // Tests import what they test, and much else: related tests would be nearly all of them.
    enableFindRelatedTests: false,
    config: {
      ...jestConfig,
      testMatch: tests.map((path) =>
        path.endsWith('.ts') ? `<rootDir>/${path}` : `<rootDir>/${path}/**/*.test.ts`,
      ),
    },
  },
  ignorePatterns: ['/training', '/out', '/dist', '/docs'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 5000,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'out/mutants.json' },
  tempDirName: 'out/stryker',
}).runMutationTest();
process.exit(results.some(({ status }) => status === 'Survived') ? 1 : 0);
