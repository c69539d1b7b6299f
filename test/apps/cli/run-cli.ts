import { execFile } from 'node:child_process';
import { basename, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds the command for a test file, under a name of its own: test files run side by side. @returns its path. */
export function buildCli(testFile: string): string {
  const outfile = resolve(join('dist', 'test', `${basename(testFile, '.test.ts')}.mjs`));
  buildSync({
    entryPoints: ['src/apps/cli/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    packages: 'external',
    format: 'esm',
  });
  return outfile;
}

/** Runs a built command to its end. */
export function runCli(
  cli: string,
  args: readonly string[],
  { env = {}, cwd }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Outcome> {
  const options = { env: { ...process.env, ...env }, cwd };
  return new Promise((done) => {
    execFile(process.execPath, [cli, ...args], options, (error, stdout, stderr) => {
      done({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}
