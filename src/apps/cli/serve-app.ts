import { stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createAppServer, pictureNames } from '../app-server/app-server';
import { UsageError } from './usage-error';

/** What `seggpt app` is told. */
export interface AppFlags {
  readonly port: number;
}

/** Serves the page until it is interrupted. @throws UsageError for a folder without pictures, or a build without the page. */
export async function serveApp(
  folder: string | undefined,
  { port }: AppFlags,
  signal: AbortSignal,
): Promise<void> {
  const page = fileURLToPath(new URL('../app', import.meta.url));
  const weights = fileURLToPath(new URL('../../weights', import.meta.url));
  if (!(await stat(page).catch(() => undefined))?.isDirectory())
    throw new UsageError('this build has no page; make it by npm run app:build.');
  if (folder !== undefined) {
    const names = await pictureNames(folder).catch(() => undefined);
    if (!names?.length) throw new UsageError(`there is no folder "${folder}" with pictures in it.`);
  }
  const server = createAppServer({ page, weights, pictures: folder });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  }).catch((error: Error) => {
    throw new UsageError(
      `cannot listen on port ${port} (${error.message}); choose another --port.`,
    );
  });
  const { port: given } = server.address() as AddressInfo;
  const query = folder === undefined ? '' : '?folder';
  process.stdout.write(`http://127.0.0.1:${given}/${query}\n`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  server.close();
  server.closeAllConnections();
}
