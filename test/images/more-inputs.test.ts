import { createContext, runInContext } from 'node:vm';
import sharp from 'sharp';
import { decodeLimits } from '../../src/images/decode-limits';
import type { ImageInput } from '../../src/images/image-input';
import { readPixels } from '../../src/images/read-input';

const options = { argument: 'target', purpose: 'image' as const, limits: decodeLimits() };
const read = (input: unknown) => readPixels(input as ImageInput, options);

let png: Buffer;
beforeAll(async () => {
  const raw = { width: 2, height: 1, channels: 3 as const };
  png = await sharp(Buffer.from([10, 20, 30, 40, 50, 60]), { raw })
    .png()
    .toBuffer();
});
const values = [10, 20, 30, 40, 50, 60];
const arrayBuffer = () => png.buffer.slice(png.byteOffset, png.byteOffset + png.length);

it.each<[string, () => unknown]>([
  ['an ArrayBuffer', arrayBuffer],
  ['a data: URL', () => `data:image/png;base64,${png.toString('base64')}`],
  ['a data: URL object', () => new URL(`data:image/png;base64,${png.toString('base64')}`)],
  ['a blob: URL', () => URL.createObjectURL(new Blob([new Uint8Array(png)]))],
  ['a Response', () => new Response(new Uint8Array(png))],
  [
    "another realm's bytes",
    () => {
      const context = createContext({ given: [...png] });
      return runInContext('Uint8Array.from(given)', context) as Uint8Array;
    },
  ],
])('reads %s', async (_, input) => {
  const { data, width, height } = await read(input());
  expect({ data: [...(data as Uint8Array)], width, height }).toEqual({
    data: values,
    width: 2,
    height: 1,
  });
});

it('reads BigInt pixels', async () => {
  const pixels = { data: BigInt64Array.from([1n, 0n]), width: 2, height: 1 };
  expect(Array.from((await read(pixels)).data)).toEqual([1, 0]);
  const mixed = { data: [3n, 4n], width: 2, height: 1 };
  expect(Array.from((await read(mixed)).data)).toEqual([3, 4]);
});

it('what is in memory passes where strings may lead nowhere', async () => {
  const url = `data:image/png;base64,${png.toString('base64')}`;
  const guarded = { ...options, sources: ['memory' as const] };
  expect((await readPixels(url, guarded)).width).toBe(2);
  await expect(readPixels('a.png', guarded)).rejects.toThrow('option sources allows memory alone');
});

it.each<[string, () => unknown, string]>([
  ['an answer that is none', () => new Response('no', { status: 404 }), 'status 404'],
  ['a promise', () => Promise.resolve(png), 'is a Promise; await it first'],
  ['bare numbers', () => Float32Array.of(1, 2), 'is a Float32Array without a width and height'],
  ['a bare view', () => new DataView(arrayBuffer()), 'is a DataView without a width and height'],
])('%s gets a word on what to do', async (_, input, message) => {
  await expect(read(input())).rejects.toThrow(message);
});

it('a Response is read once', async () => {
  const response = new Response(new Uint8Array(png));
  await response.arrayBuffer();
  await expect(read(response)).rejects.toThrow('read already');
});

it('messages do not repeat a long URL', async () => {
  const long = `data:image/png;base64,${Buffer.alloc(100_000).toString('base64')}`;
  const error = await read(long).catch((failure: Error) => failure);
  expect((error as Error).name).toBe('ImageError');
  expect((error as Error).message.length).toBeLessThan(400);
  expect((error as Error).message).toContain(`(${long.length} characters)`);
});
