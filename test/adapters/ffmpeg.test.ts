import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbortedError, VideoError } from '../../src';
import { ffmpegPath, readVideo, VideoWriter } from '../../src/adapters/node/ffmpeg';
import { frameStore } from '../../src/adapters/node/frame-store';
import { readPpmStream } from '../../src/adapters/node/ppm-stream';
import { gradient } from '../helpers/picture';

jest.setTimeout(120_000);

let directory: string;
beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), 'seggpt-video-'))));
afterAll(() => rm(directory, { recursive: true }));

/** Makes a test video with ffmpeg's own pattern. */
function make(name: string, ...options: string[]): string {
  const path = join(directory, name);
  execFileSync(ffmpegPath(), [
    '-y',
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=64x48:rate=10:duration=1',
    ...options,
    path,
  ]);
  return path;
}

async function read(path: string) {
  const frames = [];
  for await (const frame of readVideo(path)) frames.push(frame);
  return frames;
}

it('reads every frame once, with its time', async () => {
  const frames = await read(make('plain.mp4'));
  expect(frames.map(({ time }) => time)).toEqual(
    Array.from({ length: 10 }, (_, i) => expect.closeTo(i / 10, 3)),
  );
  expect(frames[0]).toMatchObject({ width: 64, height: 48 });
  expect(frames[0].data).toHaveLength(64 * 48 * 3);
});

it('honours variable frame rates', async () => {
  // Every third frame kept: times stay those of the frames that are left.
  const path = make('variable.mkv', '-vf', "select='not(mod(n,3))+eq(n,1)'", '-vsync', 'vfr');
  expect((await read(path)).map(({ time }) => time)).toEqual(
    [0, 0.1, 0.3, 0.6, 0.9].map((time) => expect.closeTo(time, 2)),
  );
});

it('honours rotation', async () => {
  const path = make('turned.mp4');
  const turned = join(directory, 'turned-90.mp4');
  execFileSync(ffmpegPath(), [
    '-y',
    '-v',
    'error',
    '-i',
    path,
    '-c',
    'copy',
    '-metadata:s:v:0',
    'rotate=90',
    turned,
  ]);
  expect((await read(turned))[0]).toMatchObject({ width: 48, height: 64 });
});

it('ends ffmpeg when the loop ends', async () => {
  const path = make('long.mp4', '-t', '1');
  for await (const frame of readVideo(path)) {
    expect(frame.width).toBe(64);
    break;
  }
});

it('gives ffmpeg’s message for a file that is no video, a missing one, and an ffmpeg that is killed', async () => {
  const text = join(directory, 'text.mp4');
  await writeFile(text, 'hello');
  await expect(read(text)).rejects.toThrow(/ffmpeg stopped \(1\) after 0 frames .*Invalid data/);
  await expect(
    (async () => {
      for await (const _ of frameStore.open('/nowhere.mp4'));
    })(),
  ).rejects.toThrow(/no video or directory "\/nowhere.mp4"/);

  const endless = join(directory, 'endless.mkv');
  execFileSync(ffmpegPath(), [
    '-y',
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=320x240:rate=30:duration=20',
    endless,
  ]);
  const failure = await (async () => {
    for await (const { time } of readVideo(endless))
      if (time === 0) spawn('pkill', ['-KILL', '-f', endless]);
  })().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(VideoError);
  expect((failure as Error).message).toMatch(/SIGKILL/);
});

it('stops when it is aborted', async () => {
  const abort = new AbortController();
  const path = make('abort.mp4');
  const failure = await (async () => {
    for await (const _frame of readVideo(path, abort.signal)) abort.abort();
  })().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AbortedError);
});

it('says how to get ffmpeg where there is none', async () => {
  process.env.SEGGPT_FFMPEG = '/nowhere/ffmpeg';
  try {
    await expect(read('x.mp4')).rejects.toThrow(
      /"\/nowhere\/ffmpeg" was not found. Install @ffmpeg-installer\/ffmpeg/,
    );
  } finally {
    delete process.env.SEGGPT_FFMPEG;
  }
});

it('writes frames at their times', async () => {
  const path = join(directory, 'written.mp4');
  const writer = new VideoWriter(path, 33, 21, 10);
  for (const time of [0, 0.1, 0.5]) await writer.write(gradient(33, 21), time);
  await expect(writer.write(gradient(32, 21), 0.6)).rejects.toThrow(/must be 33 x 21/);
  await writer.close();
  expect((await stat(path)).size).toBeGreaterThan(500);
  expect(await read(path)).toHaveLength(6);
});

it('makes the directory that it writes to', async () => {
  const path = join(directory, 'no', 'such', 'folder.mp4');
  const writer = new VideoWriter(path, 4, 4, 10);
  await writer.write(gradient(4, 4), 0);
  await writer.close();
  expect(await read(path)).toHaveLength(1);
  const file = join(directory, 'file');
  await writeFile(file, '');
  expect(() => new VideoWriter(join(file, 'x.mp4'), 4, 4, 10)).toThrow(VideoError);
});

it('stops writing with ffmpeg’s message as soon as ffmpeg has ended', async () => {
  const folder = await mkdtemp(join(directory, 'folder-'));
  const bad = new VideoWriter(folder, 64, 64, 10);
  const writeOn = async () => {
    for (let i = 0; i < 500; i++) {
      await bad.write(gradient(64, 64), i / 10);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const failure = await writeOn().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(VideoError);
  expect((failure as Error).message).toMatch(/could not write .*output format/);
  await expect(bad.close()).rejects.toThrow(/could not write .*output format/);

  // The whole second is to be written at once: the pipe breaks while it waits for room.
  const killed = new VideoWriter(join(directory, 'killed.mp4'), 640, 480, 30);
  killed.abort();
  await expect(killed.write(gradient(640, 480), 1)).rejects.toThrow(/could not write .*SIGKILL/);
});

it('cuts pictures out of a stream however it is chopped', async () => {
  const picture = (value: number, w: number) => [
    ...Buffer.from(`P6\n${w} 2\n255\n`),
    ...new Array<number>(w * 6).fill(value),
  ];
  const bytes = Uint8Array.from([...picture(1, 3), ...picture(2, 5), ...picture(3, 1)]);
  for (const step of [1, 2, 7, 1000]) {
    async function* chopped() {
      for (let at = 0; at < bytes.length; at += step)
        yield await Promise.resolve(bytes.subarray(at, at + step));
    }
    const sizes = [];
    for await (const { width, data } of readPpmStream(chopped()))
      sizes.push([width, data[0], data.at(-1)]);
    expect(sizes).toEqual([
      [3, 1, 1],
      [5, 2, 2],
      [1, 3, 3],
    ]);
  }
  async function* of(...parts: Uint8Array[]) {
    yield* await Promise.resolve(parts);
  }
  const drain = async (source: AsyncIterable<Uint8Array>) => {
    for await (const _ of readPpmStream(source));
  };
  await expect(drain(of(bytes.subarray(0, 20)))).rejects.toThrow(/ended inside a picture/);
  await expect(drain(of(new Uint8Array(100)))).rejects.toThrow(/no picture/);
});
