/** Pictures that ask for too much, and paths that lead to what is no file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { ffmpegPath } from '../../src/adapters/node/ffmpeg';
import { fileAccess } from '../../src/adapters/node/file-access';
import { frameStore } from '../../src/adapters/node/frame-store';
import { CheckpointError, ImageError, VideoError } from '../../src/base/errors';
import { decodeLimits } from '../../src/images/decode-limits';
import { readImage } from '../../src/images/rgb-image';
import type { ImageInput } from '../../src/images/image-input';

const read = (input: ImageInput, svg?: boolean) =>
  readImage(input, { argument: 'target', limits: decodeLimits({ svg }) });
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="7"><rect width="5" height="5"/></svg>`;

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'seggpt-inputs-'))));
afterAll(() => rmSync(directory, { recursive: true }));

it.each([
  ['as it is', bytes(drawing)],
  ['behind a declaration', bytes(`<?xml version="1.0"?>\n${drawing}`)],
  ['behind a mark and a comment', bytes(`\ufeff \n<!-- a drawing -->${drawing}`)],
  ['packed', new Uint8Array(gzipSync(drawing))],
])('draws SVG %s only if it is asked for', async (_, svg) => {
  await expect(read(svg)).rejects.toThrow(/(is an|as) SVG drawings?.*option svg/);
  expect(await read(svg, true)).toMatchObject({ width: 9, height: 7 });
});

it('a drawing is refused before its filters are run', async () => {
  const filter = `<filter id="f" x="0" y="0" width="1" height="1"><feTurbulence baseFrequency="0.9" numOctaves="9"/><feGaussianBlur stdDeviation="50"/></filter><rect width="9900" height="9900" filter="url(#f)"/>`;
  const began = performance.now();
  await expect(
    read(bytes(drawing.replace('<rect width="5" height="5"/>', filter))),
  ).rejects.toThrow(ImageError);
  expect(performance.now() - began).toBeLessThan(1000); // more than 60 s when it was drawn
});

it('reads the formats it names', async () => {
  const plain = sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } });
  for (const format of ['png', 'jpeg', 'webp', 'avif', 'tiff', 'gif'] as const)
    expect(await read(await plain.clone().toFormat(format).toBuffer())).toMatchObject({ width: 4 });
});

describe('what is no file', () => {
  const cases = ['/dev/zero', '/dev/null', 'pipe', '/etc'];
  beforeAll(() => execFileSync('mkfifo', [join(directory, 'pipe')]));

  it.each(cases)('%s is no picture, model or video, which is told at once', async (name) => {
    const path = name === 'pipe' ? join(directory, name) : name;
    await expect(read(path)).rejects.toThrow(/device or a pipe|directory/);
    await expect(read(`file://${path}`)).rejects.toThrow(ImageError);
    await expect(fileAccess(path)).rejects.toThrow(CheckpointError);
    if (name === '/etc') return; // a directory may hold frames
    const frames = async () => {
      for await (const _ of frameStore.open(path)) return;
    };
    await expect(frames()).rejects.toThrow(VideoError);
  });
});

it('a picture by URL has at most 256 MB, and one that redirects itself is not followed for ever', async () => {
  let sent = 0;
  const server = createServer((request, response) => {
    if (request.url === '/circle') return response.writeHead(302, { location: '/circle' }).end();
    if (request.url === '/announced') response.setHeader('content-length', 2 ** 40);
    const piece = Buffer.alloc(1 << 20);
    const more = (): void => {
      while (sent < 900 << 20) {
        sent += piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await expect(read(`${url}/circle`)).rejects.toThrow(/redirected more than/);
    await expect(read(`${url}/announced`)).rejects.toThrow(/more than the 256 MB/);
    expect(sent).toBeLessThan(64 << 20);
    sent = 0;
    await expect(read(`${url}/endless`)).rejects.toThrow(/more than the 256 MB/);
    expect(sent).toBeLessThan(400 << 20);
    await expect(read(await fetch(`${url}/announced`))).rejects.toThrow(/more than the 256 MB/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 60_000);

it('a video without frames, a directory without pictures and a URL of no file are errors', async () => {
  const video = join(directory, 'none.avi');
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10:duration=1'];
  const none = ['-frames:v', '0', '-c:v', 'rawvideo', '-v', 'quiet'];
  execFileSync(ffmpegPath(), ['-y', ...source, ...none, video]);
  const empty = mkdtempSync(join(directory, 'empty-'));
  for (const [path, message] of [
    [video, /no frames|after 0 frames/],
    [empty, /no pictures/],
    ['file:///a%2Fb', /no URL of a file/],
    ['file://host/x.mp4', /no URL of a file/],
  ] as const) {
    const frames = async () => {
      for await (const _ of frameStore.open(path)) return;
    };
    const error: unknown = await frames().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VideoError);
    expect((error as Error).message).toMatch(message);
  }
});

it('a playlist by the name of a video has no other file read', async () => {
  writeFileSync(join(directory, 'secret.ts'), Buffer.alloc(1000));
  const playlists = {
    hls: `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\n${directory}/secret.ts\n#EXT-X-ENDLIST\n`,
    concat: 'ffconcat version 1.0\nfile secret.ts\n',
    dash: '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1"><BaseURL>secret.ts</BaseURL></Representation></AdaptationSet></Period></MPD>',
    sdp: 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
  };
  for (const [kind, text] of Object.entries(playlists)) {
    const path = join(directory, `${kind}.mp4`);
    writeFileSync(path, text);
    const frames = async () => {
      for await (const _ of frameStore.open(path)) return;
    };
    const error: unknown = await frames().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VideoError);
    expect((error as Error).message).not.toContain('secret');
    expect((error as Error).message).toMatch(/whitelist|invalid data/i);
  }
}, 60_000);
