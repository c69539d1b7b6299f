/** What an install brings is what docs/dependencies.md says, with sums for all of it and no install scripts. */
import { readFileSync } from 'node:fs';

interface Locked {
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly peer?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Locked>;
};
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
const installed = locked.filter(([, { dev, peer, devOptional }]) => !dev && !peer && !devOptional);
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 13);

it('every locked package has a strong sum, and comes by https', () => {
  for (const [path, { integrity, resolved }] of locked)
    expect([path, integrity?.slice(0, 7), resolved?.slice(0, 8) ?? 'https://']).toEqual([
      path,
      'sha512-',
      'https://',
    ]);
});

it('nothing that an install brings runs a script', () => {
  expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
});

it('the page of dependencies lists what an install brings, with its licence', () => {
  const page = readFileSync('docs/dependencies.md', 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` +\| ([^ |]+)/gm)].map(([, name, licence]) => [
    name,
    licence,
  ]);
  const expected = installed
    .filter(([, { optional }]) => !optional)
    .map(([path, { license }]) => [nameOf(path), license]);
  expect(rows.sort()).toEqual(expected.sort());
  const binaries = installed.filter(([, { optional }]) => optional).map(([path]) => nameOf(path));
  for (const name of binaries) expect(name).toMatch(/^@img\/sharp-|^@emnapi\/runtime$/);
});
