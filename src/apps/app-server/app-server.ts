import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Where the built page, the package's weights and the pictures of a person lie. */
export interface AppFolders {
  readonly page: string;
  readonly weights: string;
  /** Pictures that the page opens by itself. @default none */
  readonly pictures?: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.bmp': 'image/bmp',
  '.avif': 'image/avif',
};
const PICTURE = /\.(jpe?g|png|webp|gif|bmp|avif)$/i;

const HEADERS = {
  // Isolated pages alone may share memory between threads.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
};

/** A server of the page, for this machine alone: it listens on the loopback and answers to no other name. */
export function createAppServer(folders: AppFolders): Server {
  return createServer((request, response) => {
    answer(folders, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500, HEADERS);
      response.end();
    });
  });
}

async function answer(
  folders: AppFolders,
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A foreign page whose name leads here (DNS rebinding) would read the pictures otherwise.
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(headers.host ?? ''))
    return void response.writeHead(403, HEADERS).end();
  if (method !== 'GET' && method !== 'HEAD')
    return void response.writeHead(405, { ...HEADERS, allow: 'GET, HEAD' }).end();
  const path = pathOf(url);
  if (path === '/folder.json' && folders.pictures) {
    const names = await pictureNames(folders.pictures);
    response.writeHead(200, { ...HEADERS, 'content-type': TYPES['.json'] });
    return void response.end(method === 'HEAD' ? undefined : JSON.stringify(names));
  }
  const file = path && (await fileOf(folders, path));
  const size = file ? await sizeOf(file) : undefined;
  if (!file || size === undefined) return void response.writeHead(404, HEADERS).end();
  response.writeHead(200, {
    ...HEADERS,
    'content-type': TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
    'content-length': size,
  });
  if (method === 'HEAD') return void response.end();
  await pipeline(createReadStream(file), response);
}

/** The path that is asked for; `undefined` for what leads nowhere. */
function pathOf(url = '/'): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    return /(^|[/\\])\.\.?([/\\]|$)|\\|\0/.test(path) ? undefined : path;
  } catch {
    return undefined;
  }
}

async function fileOf(
  { page, weights, pictures }: AppFolders,
  path: string,
): Promise<string | undefined> {
  const picture = /^\/folder\/([^/]+)$/.exec(path)?.[1];
  if (picture !== undefined)
    // Names of the list and no others.
    return pictures && (await pictureNames(pictures)).includes(picture)
      ? join(pictures, picture)
      : undefined;
  const weight = /^\/seggpt-weights\/(.+)$/.exec(path)?.[1];
  if (weight !== undefined) return join(weights, weight);
  return join(page, path === '/' ? 'index.html' : path);
}

async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

/** Pictures of a folder, in the natural order of their names. */
export async function pictureNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && PICTURE.test(entry.name))
    .map(({ name }) => name)
    .sort(new Intl.Collator('en', { numeric: true }).compare);
}
