/** Builds the fuzzer (test/fuzz) and runs it; see docs/reliability.md. Arguments are passed on. */
import { spawnSync } from 'node:child_process';
import { buildSync } from 'esbuild';

const outfile = 'dist/test/fuzz.mjs';
buildSync({
  entryPoints: ['test/fuzz/run.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  packages: 'external',
  format: 'esm',
  logLevel: 'error',
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
