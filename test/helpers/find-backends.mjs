/**
 * Jest's global setup: which optional backends start on this machine, before any test is defined, so that tests of the
 * others are skipped where everybody sees it. A backend that SEGGPT_TEST_BACKENDS names and that does not start fails
 * the run; SEGGPT_SKIP_BACKENDS names those that are not to be tried, because they were tested already.
 */
import { spawnSync } from 'node:child_process';

const list = (name) => (process.env[name] ?? '').split(',').filter(Boolean);

/** Programs that end well where the backend starts. */
const probes = {
  webgpu: `import { create } from 'webgpu';
    const adapter = await create([]).requestAdapter();
    process.exit(adapter ? 0 : 1);`,
  tensorflow: `import { createRequire } from 'node:module';
    import util from 'node:util';
    util.isNullOrUndefined ??= (value) => value == null;
    createRequire(process.cwd() + '/')('@tensorflow/tfjs-node');`,
};

export default function findBackends() {
  const found = ['wasm', 'cpu', 'tfjs-wasm'];
  const [skipped, required] = [list('SEGGPT_SKIP_BACKENDS'), list('SEGGPT_TEST_BACKENDS')];
  for (const [name, program] of Object.entries(probes)) {
    if (skipped.includes(name) && !required.includes(name)) continue;
    const args = ['--input-type=module', '--no-warnings', '-e', program];
    if (spawnSync(process.execPath, args, { timeout: 60_000 }).status === 0) found.push(name);
  }
  const missing = required.filter((name) => !found.includes(name));
  if (missing.length > 0) throw new Error(`${missing.join(', ')} should start here, and do not.`);
  process.env.SEGGPT_FOUND_BACKENDS = found.filter((name) => !skipped.includes(name)).join(',');
}
