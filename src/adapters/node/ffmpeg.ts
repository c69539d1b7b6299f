import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { AbortedError, VideoError } from '../../base/errors';
import { installedRequire } from './installed-require';
import { readPpmStream } from './ppm-stream';
import type { FrameWriter } from '../../video/frame-store';
import type { TimedFrame } from '../../video/timed-frame';

/**
 * The ffmpeg to run: `$SEGGPT_FFMPEG`, else the binary inside the npm package `@ffmpeg-installer/ffmpeg` if
 * it is installed, else `ffmpeg` on the PATH.
 */
export function ffmpegPath(): string {
  if (process.env.SEGGPT_FFMPEG) return process.env.SEGGPT_FFMPEG;
  try {
    const name = '@ffmpeg-installer/ffmpeg';
    return (installedRequire(name)(name) as { path: string }).path;
  } catch {
    return 'ffmpeg';
  }
}

/** What ffmpeg says, without the frame information that is asked of it. Holds the last lines. */
class Complaints {
  private lines: string[] = [];
  private rest = '';
  readonly times: number[] = [];

  constructor(stream: Readable) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.rest + text).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.take(line);
    });
  }

  private take(line: string): void {
    const shown = /\bpts_time:\s*(-?[\d.]+)/.exec(line);
    if (shown) this.times.push(Number(shown[1]));
    else if (!/showinfo/.test(line) && line.trim())
      this.lines = [...this.lines.slice(-4), line.trim()];
  }

  get text(): string {
    return [...this.lines, this.rest.trim()].filter(Boolean).join(' ');
  }
}

function start(
  args: readonly string[],
  stdin: 'pipe' | 'ignore',
): { child: ChildProcess; ended: Promise<number | string> } {
  const child = spawn(ffmpegPath(), args, { stdio: [stdin, 'pipe', 'pipe'] });
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new VideoError(
          cause.code === 'ENOENT'
            ? `"${ffmpegPath()}" was not found. Install @ffmpeg-installer/ffmpeg, or put ffmpeg on the PATH, or name it in SEGGPT_FFMPEG.`
            : `ffmpeg could not be started: ${cause.message}`,
          { cause },
        ),
      ),
    );
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  ended.catch(() => undefined); // awaited later
  return { child, ended };
}

/**
 * Decodes a video's frames as they are asked for: any format ffmpeg reads, turned upright, each frame of
 * the file once with its own time. Ending the loop ends ffmpeg.
 *
 * @param path a file, or a URL that ffmpeg can open.
 * @throws VideoError with ffmpeg's message, AbortedError
 */
export async function* readVideo(path: string, signal?: AbortSignal): AsyncGenerator<TimedFrame> {
  const args = [
    '-nostdin',
    '-hide_banner',
    '-nostats',
    '-v',
    'info',
    '-i',
    path,
    '-map',
    '0:v:0',
    '-vf',
    'showinfo',
  ];
  const output = [
    '-vsync',
    'passthrough',
    '-f',
    'image2pipe',
    '-c:v',
    'ppm',
    '-pix_fmt',
    'rgb24',
    'pipe:1',
  ];
  const { child, ended } = start([...args, ...output], 'ignore');
  const complaints = new Complaints(child.stderr as Readable);
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  let index = 0;
  let finished = false;
  try {
    for await (const picture of readPpmStream(child.stdout as Readable)) {
      // Times come by another pipe, a little earlier or later than the pixels.
      for (let turn = 0; complaints.times.length <= index && turn < 50; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      yield { ...picture, time: complaints.times[index] ?? 0 };
      index++;
    }
    finished = true;
  } catch (error) {
    const outcome = await ended; // rejects with the better reason, if ffmpeg did not start
    if (outcome === 0 || !(error instanceof VideoError)) throw error;
    finished = true;
  } finally {
    signal?.removeEventListener('abort', stop);
    if (!finished) stop();
  }
  const outcome = await ended;
  if (signal?.aborted) throw new AbortedError(signal);
  if (outcome !== 0) {
    throw new VideoError(
      `ffmpeg stopped (${String(outcome)}) after ${index} frames of ${path}: ${complaints.text}`,
    );
  }
}

/** Writes RGB frames of one size as a video, H.264 in whatever container the name asks for. */
export class VideoWriter implements FrameWriter {
  private readonly process: ReturnType<typeof start>;
  private readonly complaints: Complaints;
  private written = 0;

  /**
   * @param path of the file; its directory is made.
   * @param framesPerSecond of the file; frames are repeated or left out to keep their times.
   * @throws VideoError if the directory cannot be made.
   */
  constructor(
    private readonly path: string,
    private readonly width: number,
    private readonly height: number,
    private readonly framesPerSecond: number,
  ) {
    makeDirectoryOf(path);
    const input = [
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      '-s',
      `${width}x${height}`,
      '-r',
      String(framesPerSecond),
      '-i',
      'pipe:0',
    ];
    // Codecs with subsampled colour want even sides.
    const output = [
      '-vf',
      'pad=ceil(iw/2)*2:ceil(ih/2)*2',
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      '-crf',
      '18',
      path,
    ];
    this.process = start(
      ['-y', '-hide_banner', '-nostats', '-v', 'error', ...input, ...output],
      'pipe',
    );
    this.complaints = new Complaints(this.process.child.stderr as Readable);
    (this.process.child.stdin as Writable).on('error', () => undefined); // told by the exit code
  }

  /**
   * @param data `(height, width, 3)` RGB 8-bit.
   * @param time seconds from the start.
   * @throws VideoError for a frame of another size, and with ffmpeg's message once it has ended.
   */
  async write(data: Uint8Array, time: number): Promise<void> {
    if (data.length !== this.width * this.height * 3) {
      throw new VideoError(
        `Every frame of ${this.path} must be ${this.width} x ${this.height} pixels.`,
      );
    }
    const stdin = this.process.child.stdin as Writable;
    const due = Math.max(1, Math.round(time * this.framesPerSecond) + 1);
    for (; this.written < due; this.written++) {
      if (stdin.destroyed) throw this.failure(await this.process.ended);
      if (stdin.write(data)) continue;
      const drained = once(stdin, 'drain').catch(() => undefined); // a pipe that breaks is told above
      await Promise.race([drained, this.process.ended]);
    }
  }

  /** Finishes the file. @throws VideoError with ffmpeg's message. */
  async close(): Promise<void> {
    (this.process.child.stdin as Writable).end();
    const outcome = await this.process.ended;
    if (outcome !== 0) throw this.failure(outcome);
  }

  private failure(outcome: number | string): VideoError {
    return new VideoError(
      `ffmpeg could not write ${this.path} (${String(outcome)}): ${this.complaints.text}`,
    );
  }

  /** Gives up. */
  abort(): void {
    this.process.child.kill('SIGKILL');
  }
}

function makeDirectoryOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new VideoError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
