import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { VideoError } from '../../base/errors';
import { installedRequire } from './installed-require';

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

/** A file as ffmpeg takes it, whatever its name: colons are no protocols, and a leading dash is no option. */
export function ffmpegFile(path: string): string {
  return `file:${resolve(path)}`;
}

/** How complaints begin under ffmpeg's `-v level+…`, after the part of ffmpeg that has them. */
const COMPLAINT = /^(?:\[[^\]]* @ [^\]]*\] )?\[(warning|error|fatal|panic)\] (.*)$/;
/** Complaints about a file that is not whole, as ffmpeg 4 to 8 have them. */
const OF_DAMAGE =
  /ended prematurely|partial file|truncat|read error|input\/output error|corrupt|invalid data found|error while decoding|error splitting/i;

/** What ffmpeg says, line by line. Holds the last complaints. */
export class FfmpegLog {
  private lines: string[] = [];
  private rest = '';
  private firstDamage: string | undefined;

  /** @param onLine is told every line. */
  constructor(stream: Readable, onLine: (line: string) => void = () => undefined) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.rest + text).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) {
        onLine(line);
        this.take(line.trim());
      }
    });
  }

  private take(line: string): void {
    const [, level, said] = COMPLAINT.exec(line) ?? [];
    if (said === undefined || /^-vsync is deprecated/.test(said)) return;
    if (OF_DAMAGE.test(said)) this.firstDamage ??= said;
    if (level !== 'warning') this.lines = [...this.lines.slice(-4), said];
  }

  /** Its last errors. */
  get text(): string {
    return this.lines.join(' ') || this.rest.trim();
  }

  /** What it first said of a file that is not whole. */
  get damage(): string | undefined {
    return this.firstDamage;
  }
}

/** A running ffmpeg, and its exit code or signal once it has ended. */
export interface FfmpegProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string>;
}

/** Starts ffmpeg with pipes. `ended` rejects with a VideoError if it cannot be started. */
export function startFfmpeg(args: readonly string[], stdin: 'pipe' | 'ignore'): FfmpegProcess {
  const child = spawn(ffmpegPath(), ['-nostdin', '-hide_banner', '-nostats', ...args], {
    stdio: [stdin, 'pipe', 'pipe'],
  });
  const ended = new Promise<number | string>((resolveEnd, reject) => {
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
    child.once('close', (code, signal) => resolveEnd(code ?? signal ?? 0));
  });
  ended.catch(() => undefined); // awaited later
  return { child, ended };
}
