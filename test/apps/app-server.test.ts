/** The server of the page gives out the page, the weights and the pictures of its folder, to this machine and by no other name. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAppServer } from '../../src/apps/app-server/app-server';

let root: string;
let server: Server;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'seggpt-app-'));
  for (const folder of ['page/assets', 'weights/sam', 'pictures/deeper'])
    await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, 'page/index.html'), '<!doctype html>');
  await writeFile(join(root, 'page/assets/a.js'), 'export {};');
  await writeFile(join(root, 'weights/sam/model.safetensors'), 'weights');
  await writeFile(join(root, 'pictures/b 10.JPG'), 'ten');
  await writeFile(join(root, 'pictures/b 2.jpg'), 'two');
  await writeFile(join(root, 'pictures/secret.txt'), 'secret');
  await writeFile(join(root, 'secret.jpg'), 'secret');
  const folders = { page: 'page', weights: 'weights', pictures: 'pictures' };
  server = createAppServer({
    page: join(root, folders.page),
    weights: join(root, folders.weights),
    pictures: join(root, folders.pictures),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(root, { recursive: true });
});

/** Paths go out as they are: fetch would tidy them. */
function ask(path: string, { method = 'GET', host = 'localhost' } = {}) {
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const asked = request({ port, path, method, host: '127.0.0.1', headers: { host } });
      asked.on('error', reject).on('response', (response) => {
        let body = '';
        response.on('data', (data) => (body += data));
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body }),
        );
      });
      asked.end();
    },
  );
}

it.each([
  ['/', '<!doctype html>', 'text/html; charset=utf-8'],
  ['/?folder', '<!doctype html>', 'text/html; charset=utf-8'],
  ['/assets/a.js', 'export {};', 'text/javascript'],
  ['/seggpt-weights/sam/model.safetensors', 'weights', 'application/octet-stream'],
  ['/folder.json', '["b 2.jpg","b 10.JPG"]', 'application/json'],
  ['/folder/b%202.jpg', 'two', 'image/jpeg'],
])('%s is given out, isolated', async (path, body, type) => {
  const answer = await ask(path);
  expect(answer).toMatchObject({ status: 200, body });
  expect(answer.headers['content-type']).toBe(type);
  expect(answer.headers['cross-origin-embedder-policy']).toBe('require-corp');
});

it.each([
  '/../secret.jpg',
  '/%2e%2e/secret.jpg',
  '/folder/..%2fsecret.jpg',
  '/folder/..%5csecret.jpg',
  '/folder/secret.txt',
  '/folder/deeper',
  '/seggpt-weights/../secret.jpg',
  '/assets',
  '/%00',
  '/%zz',
  '/nothing',
])('%s is not', async (path) => {
  const { status, body } = await ask(path);
  expect({ status, body }).toEqual({ status: 404, body: '' });
});

it('answers HEAD with the size alone', async () => {
  const { status, headers, body } = await ask('/assets/a.js', { method: 'HEAD' });
  expect([status, headers['content-length'], body]).toEqual([200, '10', '']);
});

it('refuses other methods, and other names than this machine has for itself', async () => {
  expect((await ask('/', { method: 'POST' })).status).toBe(405);
  expect((await ask('/folder.json', { host: 'evil.example' })).status).toBe(403);
  expect((await ask('/', { host: '127.0.0.1:80' })).status).toBe(200);
});
