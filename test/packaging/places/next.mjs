/** Next.js without configuration: a page that segments in the browser, and an API route that does on the server. */
import { command, executablePath, project, segmenting, serving, versionOf } from '../harness.mjs';
import { notACup, opened } from '../expect.mjs';

const port = 5390;

const files = {
  'app/layout.js': `export default function Layout({ children }) { return <html><body>{children}</body></html>; }`,
  'app/page.js': `'use client';
import { useEffect } from 'react';
export default function Page() {
  useEffect(() => { void (async () => {${segmenting("const { segmentInContext } = await import('seggpt');")}})(); }, []);
  return <p>seggpt</p>;
}`,
  'app/api/segment/route.js': `
import { join } from 'node:path';
import { segmentInContext } from 'seggpt';
const at = (name) => join(process.cwd(), 'public', name);
export async function GET() {
  try {
    const result = await segmentInContext([{ image: at('cup-1.jpg'), mask: at('cup-1.png') }], at('cup-2.jpg'));
    return Response.json({ area: result.masks[0].area, engine: result.engine });
  } catch (error) {
    return Response.json({ error: String(error) });
  }
}
export const dynamic = 'force-dynamic';`,
};

export async function* checks(archive) {
  const directory = await project('next', archive, {
    packages: ['next@16', 'react@19', 'react-dom@19'],
    files,
  });
  for (const bundler of ['turbopack', 'webpack']) {
    const version = `Next ${await versionOf(directory, 'next')}, ${bundler}`;
    await command(directory, 'npx', ['next', 'build', `--${bundler}`]);
    const url = `http://127.0.0.1:${port}`;
    const stop = await serving(
      directory,
      'npx',
      ['next', 'start', '-H', '127.0.0.1', '-p', `${port}`],
      url,
    );
    try {
      const outcome = await (await fetch(`${url}/api/segment`)).json();
      yield { check: `${version}, API route`, detail: outcome.engine, failure: notACup(outcome) };
      if (executablePath) yield* opened(`${version}, page`, url, () => undefined);
    } finally {
      stop();
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
