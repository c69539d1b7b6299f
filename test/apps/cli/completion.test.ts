/** Completion, run by the shells that are there: bash must be. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCli, runCli } from './run-cli';

jest.setTimeout(60_000);

const cli = buildCli(__filename);
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'seggpt-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runCli(cli, ['completion', shell]);
    expect(code).toBe(0);
    await writeFile(join(directory, shell), stdout);
  }
});
afterAll(() => rm(directory, { recursive: true }));

/** What bash offers for the last of some words. Those that it splits, as at `=`, are given apart. */
function offered(...words: string[]): string[] {
  const array = words.map((word) => `'${word}'`).join(' ');
  const script = `source ${join(directory, 'bash')}
    COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}
    _seggpt; printf '%s\n' "\${COMPREPLY[@]}"`;
  const text = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean);
}

/** Flags that a command's help shows. */
async function flagsOf(...command: string[]): Promise<string[]> {
  const { stdout } = await runCli(cli, [...command, '--help']);
  return [...stdout.matchAll(/^ {2}(?:(-\w), )?(--[a-z-]+)/gm)]
    .flatMap(([, short, long]) => [short, long])
    .filter(Boolean);
}

it('offers the commands', async () => {
  const { stdout } = await runCli(cli, ['--help']);
  const commands = stdout.slice(stdout.indexOf('Commands:')).match(/(?<=^ {2})[a-z]+/gm)!;
  expect(commands).toContain('segment');
  expect(offered('seggpt', '')).toEqual(commands);
  expect(offered('seggpt', 'seg')).toEqual(['segment']);
});

it.each(['segment', 'prepare', 'track', 'evaluate', 'info', 'quantize'])(
  'offers the flags that the help of %s shows',
  async (command) => {
    const flags = await flagsOf(command);
    expect(flags.length).toBeGreaterThan(3);
    expect(offered('seggpt', command, '-').sort()).toEqual(flags.sort());
  },
);

it('offers the words that a flag or an argument takes', () => {
  expect(offered('seggpt', 'segment', 'a.jpg', '--backend', 'w')).toEqual([
    ...['webgpu', 'wasm', 'webgl'],
  ]);
  expect(offered('seggpt', 'segment', '--save', '=', 'pai')).toEqual(['painting']);
  expect(offered('seggpt', 'segment', '--save', '=')).toHaveLength(12);
  expect(offered('seggpt', 'track', '--save', 'd')).toEqual(['davis']);
  expect(offered('seggpt', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  expect(offered('seggpt', 'cache', 'c')).toEqual(['clear']);
  expect(offered('seggpt', 'cache', 'clear', '--j')).toEqual(['--json']);
  // Paths and numbers are left to the shell.
  expect(offered('seggpt', 'segment', '--prompt', '')).toEqual([]);
  expect(offered('seggpt', 'segment', '--seed', '')).toEqual([]);
  expect(offered('seggpt', 'segment', 'info', '--pre')).toEqual(['--precision']);
});

it.each([
  ['bash', ['-n']],
  ['zsh', ['-n']],
  ['fish', ['--no-execute']],
])('is a script that %s reads', (shell, flags) => {
  const { error, status, stderr } = spawnSync(shell, [...flags, join(directory, shell)]);
  const missing = error && 'code' in error && error.code === 'ENOENT';
  if (missing && shell !== 'bash') return;
  expect([status, String(stderr)]).toEqual([0, '']);
});

it('refuses a shell that it does not know', async () => {
  expect(await runCli(cli, ['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Allowed choices are bash, zsh, fish'),
  });
});
