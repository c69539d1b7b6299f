import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbortedError, VideoError } from '../../src';
import { ffmpegPath } from '../../src/adapters/node/ffmpeg';
import { frameStore } from '../../src/adapters/node/frame-store';
import { readPpmStream } from '../../src/adapters/node/ppm-stream';
import { readVideo } from '../../src/adapters/node/video-reader';
import { VideoWriter } from '../../src/adapters/node/video-writer';
import { gradient } from '../helpers/picture';

jest.setTimeout(20_000);

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
  const writer = new VideoWriter(path, 33, 21, { constantRate: 10 });
  for (const time of [0, 0.1, 0.5]) await writer.write(gradient(33, 21), time);
  await expect(writer.write(gradient(32, 21), 0.6)).rejects.toThrow(/must be 33 x 21/);
  await writer.close();
  expect((await stat(path)).size).toBeGreaterThan(500);
  expect(await read(path)).toHaveLength(6);
});

it('makes the directory that it writes to', async () => {
  const path = join(directory, 'no', 'such', 'folder.mp4');
  const writer = new VideoWriter(path, 4, 4);
  await writer.write(gradient(4, 4), 0);
  await writer.close();
  expect(await read(path)).toHaveLength(1);
  const file = join(directory, 'file');
  await writeFile(file, '');
  expect(() => new VideoWriter(join(file, 'x.mp4'), 4, 4)).toThrow(VideoError);
});

it('stops writing with ffmpeg’s message as soon as ffmpeg has ended, and leaves no file', async () => {
  const folder = await mkdtemp(join(directory, 'folder-'));
  const broken = join(directory, 'broken-ffmpeg');
  await writeFile(broken, '#!/bin/sh\necho "[error] Unknown encoder" >&2\nexit 1\n', {
    mode: 0o755,
  });
  process.env.SEGGPT_FFMPEG = broken;
  const bad = new VideoWriter(join(folder, 'bad.mp4'), 64, 64);
  delete process.env.SEGGPT_FFMPEG;
  const writeOn = async () => {
    for (let i = 0; i < 500; i++) {
      await bad.write(gradient(64, 64), i / 10);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const failure = await writeOn().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(VideoError);
  expect((failure as Error).message).toMatch(/could not write .*bad\.mp4 \(1\): Unknown encoder/);
  await expect(bad.close()).rejects.toThrow(/could not write .*bad\.mp4/);

  // The whole second is to be written at once: the pipe breaks while it waits for room.
  const killed = new VideoWriter(join(folder, 'killed.mp4'), 640, 480, { constantRate: 30 });
  killed.abort();
  await expect(killed.write(gradient(640, 480), 1)).rejects.toThrow(/could not write .*SIGKILL/);
  expect(await readdir(folder)).toEqual([]);
});

it('refuses containers that are not written, and the name of a directory', async () => {
  const write = (name: string) => () => new VideoWriter(join(directory, name), 4, 4);
  for (const name of ['x.avi', 'x.png', 'x']) expect(write(name)).toThrow(/name a video \.mp4, /);
  await mkdir(join(directory, 'taken.mp4'));
  expect(write('taken.mp4')).toThrow(/there is a directory of that name/);
});

it.each(['mp4', 'webm', 'gif', 'mkv'])(
  'a .%s of which ffmpeg lost the end, as on a full disk, is told and does not stay',
  async (container) => {
    const folder = await mkdtemp(join(directory, 'full-'));
    const full = join(folder, 'ffmpeg');
    // Writes that fail are no failure of ffmpeg's: it ends with 0, and says nothing of an MP4.
    const cutting = `for last in "$@"; do :; done
"${ffmpegPath()}" "$@"
case "$last" in file:*) truncate --size=-300 "\${last#file:}";; esac
exit 0
`;
    await writeFile(full, `#!/bin/sh\n${cutting}`, { mode: 0o755 });
    process.env.SEGGPT_FFMPEG = full;
    try {
      const path = join(folder, `out.${container}`);
      const writer = new VideoWriter(path, 64, 48);
      for (let i = 0; i < 5; i++) await writer.write(gradient(64, 48), i / 10);
      await expect(writer.close()).rejects.toThrow(
        /Cannot write .*out\.\w+: of 5 frames \d arrived in the file; is the disk full\?/,
      );
    } finally {
      delete process.env.SEGGPT_FFMPEG;
    }
    expect(await readdir(folder)).toEqual(['ffmpeg']);
  },
);

it('has the file under its name only when it is whole', async () => {
  const folder = await mkdtemp(join(directory, 'whole-'));
  const path = join(folder, 'whole.mp4');
  await writeFile(path, 'before');
  const writer = new VideoWriter(path, 4, 4);
  await writer.write(gradient(4, 4), 0);
  expect(await readFile(path, 'utf8')).toBe('before');
  await writer.close();
  expect(await readdir(folder)).toEqual(['whole.mp4']);
  expect(await read(path)).toHaveLength(1);
});

/** Of both ffmpegs that are likely: one in the npm package of 2018, one of the system. */
const ffmpegs = [...new Set([ffmpegPath(), 'ffmpeg'])].filter(
  (path) => spawnSync(path, ['-version']).status === 0,
);

describe.each(ffmpegs)('with %s', (ffmpeg) => {
  beforeAll(() => void (process.env.SEGGPT_FFMPEG = ffmpeg));
  afterAll(() => void delete process.env.SEGGPT_FFMPEG);

  const variable = [0, 0.1, 0.3, 0.35, 0.9, 1.65];
  it.each<[string, number]>([
    ['mp4', 4],
    ['m4v', 4],
    ['mov', 4],
    ['mkv', 3], // whole milliseconds
    ['webm', 3],
    ['gif', 2], // whole hundredths
  ])('keeps the frame times of a variable rate in .%s', async (container, digits) => {
    const path = join(directory, `variable.${container}`);
    const writer = new VideoWriter(path, 32, 24, { nominalRate: 20 });
    for (const time of variable) await writer.write(gradient(32, 24), time);
    await writer.close();
    expect((await read(path)).map(({ time }) => time)).toEqual(
      variable.map((time) => expect.closeTo(time, digits)),
    );
  });

  it.each<[number, string]>([
    [60, 'mp4'],
    [60, 'webm'],
    [30_000 / 1001, 'mov'],
    [24, 'mkv'],
  ])('keeps a rate of %d in .%s', async (rate, container) => {
    const path = join(directory, `rate.${container}`);
    const writer = new VideoWriter(path, 32, 24, { nominalRate: rate });
    for (let i = 0; i < 30; i++) await writer.write(gradient(32, 24), i / rate);
    await writer.close();
    const frames = await read(path);
    expect(frames).toHaveLength(30);
    expect(frames[0].frameRate).toBeCloseTo(rate, 4);
    expect(frames[29].time).toBeCloseTo(29 / rate, 2);
  });

  it('leaves frames out of a GIF that come too fast for one, and tells it', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
    const path = join(directory, `fast-${ffmpegs.indexOf(ffmpeg)}.gif`);
    const writer = new VideoWriter(path, 32, 24, { nominalRate: 100 });
    for (let i = 0; i < 20; i++) await writer.write(gradient(32, 24), i / 100);
    await writer.close();
    expect((await read(path)).map(({ time }) => time)).toEqual(
      Array.from({ length: 10 }, (_, i) => expect.closeTo(i / 50, 3)),
    );
    expect(warned.mock.calls).toEqual([
      [expect.stringMatching(/at most 50 frames a second; 10 were left out/), expect.anything()],
    ]);
    warned.mockRestore();
  });

  it.each(['2026-11-25T12:30:00.mp4', '100%.mp4', '%d.mp4', '%03d.gif', '-x.mkv', "it's [1].webm"])(
    'reads and writes "%s"',
    async (name) => {
      const folder = await mkdtemp(join(directory, 'names-'));
      const before = process.cwd();
      process.chdir(folder);
      try {
        const writer = new VideoWriter(name, 32, 24);
        for (let i = 0; i < 3; i++) await writer.write(gradient(32, 24), i / 10);
        await writer.close();
        expect(await readdir('.')).toEqual([name]);
        const frames = [];
        for await (const frame of frameStore.open(name)) frames.push(frame);
        expect(frames).toHaveLength(3);
      } finally {
        process.chdir(before);
      }
    },
  );

  it.each(['mp4', 'mkv', 'webm', 'avi', 'gif'])(
    'tells that a .%s is cut off',
    async (container) => {
      const codecs: Record<string, string[]> = {
        webm: ['-c:v', 'libvpx-vp9', '-cpu-used', '8'],
        gif: [],
      };
      const codec = codecs[container] ?? ['-g', '2'];
      const front = container === 'mp4' ? ['-movflags', '+faststart'] : [];
      const whole = make(`whole.${container}`, '-vf', 'fps=30', ...codec, ...front);
      const told: string[] = [];
      const count = async (path: string) => {
        let frames = 0;
        for await (const _ of readVideo(path, undefined, (message) => told.push(message))) frames++;
        return frames;
      };
      expect(await count(whole)).toBe(30);
      expect(told).toEqual([]);
      const bytes = await readFile(whole);
      const path = join(directory, `cut.${container}`);
      await writeFile(path, bytes.subarray(0, bytes.length * 0.7));
      const left = await count(path);
      expect(left).toBeGreaterThan(5);
      expect(left).toBeLessThan(30);
      const says = new RegExp(`ends early or is damaged; ${left} frames`);
      expect(told).toEqual([expect.stringMatching(says)]);
    },
  );

  it('tells by default with a warning', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
    const path = join(directory, `cut-${ffmpegs.indexOf(ffmpeg)}.mkv`);
    await copyFile('test/fixtures/videos/cut-off.mkv', path);
    expect(await read(path)).toHaveLength(12);
    expect(warned.mock.calls).toEqual([
      [expect.stringMatching(/ends early/), { type: 'SegGptWarning', code: 'SEGGPT_VIDEO' }],
    ]);
    warned.mockRestore();
  });
});

it('reads no URL that a file names, and no file that is called like one', async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end(execFileSync('cat', [make('served.ts')]));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/served.ts`;
  const playlist = join(directory, 'playlist.m3u8');
  await writeFile(
    playlist,
    `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${url}\n#EXT-X-ENDLIST\n`,
  );
  await expect(read(playlist)).rejects.toThrow(VideoError);
  expect(asked).toBe(0);
  // A URL that is given is read.
  expect((await read(url)).length).toBeGreaterThan(5);
  expect(asked).toBeGreaterThan(0);
  server.close();
  const open = async (location: string) => {
    for await (const _ of frameStore.open(location));
  };
  for (const location of [`concat:${make('a.ts')}|${make('b.ts')}`, 'lavfi://testsrc', 'pipe:0'])
    await expect(open(location)).rejects.toThrow(/There is no video or directory/);
});

it('counts frames of hours exactly', async () => {
  // Times are printed with six digits: after 1000 seconds to the hundredth.
  const late = make('late.mkv', '-r', '30', '-vf', 'setpts=PTS+5000/TB');
  const times = (await read(late)).map(({ time }) => time);
  expect(times[1] - times[0]).toBeCloseTo(0.1, 3);
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
