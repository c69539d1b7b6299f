import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { VideoError } from '../../base/errors';
import { warn } from '../../base/warn';
import { containerOf, type VideoContainer, videoContainers } from '../../video/containers';
import type { FrameWriter, FrameWriterOptions } from '../../video/frame-store';
import { ffmpegFile, FfmpegLog, type FfmpegProcess, startFfmpeg } from './ffmpeg';
import { matroskaFrameHeader, matroskaHeader } from './matroska-stream';
import { temporaryBeside } from './temporary-file';

/** Ticks a second of written times: whole numbers of them are frames of all usual rates, NTSC's and milliseconds too. */
const TICKS = 120_000;
/** Frames a second where nothing says it. */
const USUAL_RATE = 25;
/** Hundredths of a second that a frame of a GIF lasts at least: players take less for ten. */
const GIF_LEAST = 2;

// Frames that refer to later ones, and edit lists, would make old versions of ffmpeg hide the last frames.
const H264 = ['-c:v', 'libx264', '-bf', '0', '-crf', '18', '-pix_fmt', 'yuv420p'];
const MP4 = [...H264, '-use_editlist', '0', '-movflags', '+faststart'];
const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '5', '-row-mt', '1'];
/** Codecs with subsampled colour want even sides. */
const EVEN = 'pad=ceil(iw/2)*2:ceil(ih/2)*2';
/** A palette for each frame: one for all would want all frames in memory. */
const PALETTES = 'split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1';

/** The codec for each container, its filters, and the container's name in ffmpeg. */
const ENCODERS: Readonly<Record<VideoContainer, { filters: string; output: readonly string[] }>> = {
  mp4: { filters: EVEN, output: [...MP4, '-f', 'mp4'] },
  m4v: { filters: EVEN, output: [...MP4, '-f', 'mp4'] },
  mov: { filters: EVEN, output: [...MP4, '-f', 'mov'] },
  mkv: { filters: EVEN, output: [...H264, '-f', 'matroska'] },
  webm: {
    filters: EVEN,
    output: [...VP9, '-crf', '24', '-b:v', '0', '-pix_fmt', 'yuv420p', '-f', 'webm'],
  },
  gif: { filters: PALETTES, output: ['-c:v', 'gif', '-f', 'gif'] },
};

/**
 * Writes RGB frames of one size as a video, by the codec that the container asks for, and each at its own time. The file is
 * written under another name in the same directory, and gets its own when it is whole.
 */
export class VideoWriter implements FrameWriter {
  private readonly process: FfmpegProcess;
  private readonly log: FfmpegLog;
  private readonly temporary: string;
  private readonly container: VideoContainer;
  /** Frames of a constant rate so far. */
  private written = 0;
  private last = -Infinity;
  private leftOut = 0;
  /** Frames that went to ffmpeg. */
  private sent = 0;

  /**
   * @param path of the file; its directory is made.
   * @throws VideoError for a container that is not written, and if the file cannot be begun.
   */
  constructor(
    private readonly path: string,
    private readonly width: number,
    private readonly height: number,
    private readonly options: FrameWriterOptions = {},
  ) {
    this.container = writable(path);
    makeDirectoryOf(path);
    this.temporary = temporaryBeside(path);
    const { filters, output } = ENCODERS[this.container];
    const grid = this.container === 'gif' ? 100 : TICKS;
    const times = ['-vsync', 'passthrough', '-enc_time_base', `1/${grid}`];
    this.process = startFfmpeg(
      [
        ...['-y', '-v', 'level+error', '-f', 'matroska', '-i', 'pipe:0'],
        ...['-vf', `settb=1/${grid},${filters}`, ...times, ...output, ffmpegFile(this.temporary)],
      ],
      'pipe',
    );
    this.log = new FfmpegLog(this.process.child.stderr as Readable);
    const stdin = this.process.child.stdin as Writable;
    stdin.on('error', () => undefined); // told by the exit code
    stdin.write(matroskaHeader(width, height, this.rate));
  }

  /** Frames a second that the file states; the last frame is shown for one of them. */
  private get rate(): number {
    return this.options.constantRate ?? this.options.nominalRate ?? USUAL_RATE;
  }

  /**
   * @param data `(height, width, 3)` RGB 8-bit.
   * @param time seconds from the start. One that is not later than the last frame's becomes a frame's length later.
   * @throws VideoError for a frame of another size, and with ffmpeg's message once it has ended.
   */
  async write(data: Uint8Array, time: number): Promise<void> {
    if (data.length !== this.width * this.height * 3) {
      throw new VideoError(
        `Every frame of ${this.path} must be ${this.width} x ${this.height} pixels.`,
      );
    }
    const { constantRate } = this.options;
    if (constantRate === undefined) return this.put(data, time);
    const due = Math.max(1, Math.round(time * constantRate) + 1);
    for (; this.written < due; this.written++) await this.put(data, this.written / constantRate);
  }

  private async put(data: Uint8Array, asked: number): Promise<void> {
    let time = Math.max(0, asked);
    if (this.container === 'gif') {
      time = Math.round(time * 100) / 100;
      if (Math.round((time - this.last) * 100) < GIF_LEAST) {
        this.leftOut++;
        return;
      }
    } else if (time <= this.last) time = this.last + 1 / this.rate;
    this.last = time;
    this.sent++;
    const stdin = this.process.child.stdin as Writable;
    for (const part of [matroskaFrameHeader(data.length, time), data]) {
      if (stdin.destroyed) throw this.failure(await this.process.ended);
      if (stdin.write(part)) continue;
      const drained = once(stdin, 'drain').catch(() => undefined); // a pipe that breaks is told above
      await Promise.race([drained, this.process.ended]);
    }
  }

  /** Finishes the file and gives it its name. @throws VideoError with ffmpeg's or the system's message. */
  async close(): Promise<void> {
    (this.process.child.stdin as Writable).end();
    const outcome = await this.process.ended.catch((error: unknown) => {
      this.remove();
      throw error;
    });
    if (outcome !== 0) {
      this.remove();
      throw this.failure(outcome);
    }
    const found = await countFrames(this.temporary);
    if (found < this.sent) {
      this.remove();
      throw new VideoError(
        `Cannot write ${this.path}: of ${this.sent} frames ${found} arrived in the file; is the disk full?`,
      );
    }
    try {
      renameSync(this.temporary, this.path);
    } catch (cause) {
      this.remove();
      throw new VideoError(`Cannot write ${this.path}: ${(cause as Error).message}`, { cause });
    }
    if (this.leftOut > 0)
      warn(
        'VIDEO',
        `${this.path}: a GIF shows at most 50 frames a second; ${this.leftOut} were left out.`,
      );
  }

  private failure(outcome: number | string): VideoError {
    return new VideoError(
      `ffmpeg could not write ${this.path} (${String(outcome)}): ${this.log.text}`,
    );
  }

  /** Gives up and leaves no file. */
  abort(): void {
    this.process.child.kill('SIGKILL');
    this.remove();
    void this.process.ended.then(
      () => this.remove(),
      () => undefined, // ffmpeg did not start, and made no file
    );
  }

  private remove(): void {
    rmSync(this.temporary, { force: true });
  }
}

/** Frames that a video file holds, without decoding them: ffmpeg ends well though its writes failed, on a full disk say. */
async function countFrames(path: string): Promise<number> {
  const listing = ['-map', '0:v:0', '-c', 'copy', '-f', 'framecrc', 'pipe:1'];
  const { child, ended } = startFfmpeg(
    ['-v', 'error', '-i', ffmpegFile(path), ...listing],
    'ignore',
  );
  let frames = 0;
  const lines = createInterface({ input: child.stdout as Readable });
  lines.on('line', (line) => (frames += line.startsWith('#') ? 0 : 1));
  child.stderr?.resume();
  await Promise.all([ended, once(lines, 'close')]);
  return frames;
}

/** The container of a path that can be written. @throws VideoError saying what is wrong with it. */
function writable(path: string): VideoContainer {
  const container = containerOf(path);
  if (!container || container === 'other') {
    throw new VideoError(
      `Cannot write ${path}: name a video .${videoContainers.slice(0, -1).join(', .')} or .${videoContainers.at(-1)}.`,
    );
  }
  if (isDirectory(path))
    throw new VideoError(`Cannot write ${path}: there is a directory of that name.`);
  return container;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // what stands in the way is told when the directory is made
  }
}

function makeDirectoryOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new VideoError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
