import { spawnSync } from 'node:child_process';

/** Runs a program in a process of its own: flags are the whole process's. */
function run(program: string, ...flags: string[]): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--no-warnings', '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return stdout.trim();
}

/** Whether functions of a fresh module are compiled by the plain tier first, told by V8's own answer. */
const PLAIN_TIER = `
  const bytes = Uint8Array.of(0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,7,11);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  exports.f();
  console.log(%IsLiftoffFunction(exports.f));
`;

const bundle = `
  import { buildSync } from 'esbuild';
  const { outputFiles } = buildSync({
    entryPoints: ['src/engines/wasm/index.ts'], bundle: true, write: false, format: 'esm', platform: 'node',
  });
  const { createWasmEngine } = await import('data:text/javascript;base64,' + Buffer.from(outputFiles[0].contents).toString('base64'));
`;

it('V8 is left as it was once the kernels are compiled', () => {
  expect(run(PLAIN_TIER, '--allow-natives-syntax')).toBe('true');
  const after = `${bundle}
    const engine = await createWasmEngine({ threads: 1, precision: 'int8' });
    engine.release();
    ${PLAIN_TIER}`;
  expect(run(after, '--allow-natives-syntax')).toBe('true');
});

it('a flag the process was started with stays', () => {
  const after = `${bundle}
    const engine = await createWasmEngine({ threads: 1 });
    engine.release();
    ${PLAIN_TIER}`;
  expect(run(after, '--allow-natives-syntax', '--no-liftoff')).toBe('false');
});
