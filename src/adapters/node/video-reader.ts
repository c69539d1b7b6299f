import type { Readable } from 'node:stream';
import { AbortedError, VideoError } from '../../base/errors';
import { warn } from '../../base/warn';
import type { HearsOfDamage } from '../../video/frame-store';
import type { TimedFrame } from '../../video/timed-frame';
import { isVideoUrl } from '../../video/video-url';
import { missingEnd } from './cut-off';
import { ffmpegFile, FfmpegLog, startFfmpeg } from './ffmpeg';
import { readPpmStream } from './ppm-stream';

/** Protocols a URL may lead to; files are not among them, so that no playlist of another machine has them read. */
const URL_PROTOCOLS = 'http,https,httpproxy,tls,tcp,crypto,udp,rtp,srtp,rtmp,rtmps,srt';
/**
 * Containers a file may be of, by ffmpeg's names. Playlists, scripts and patterns (hls, dash, concat, image2, sdp, …) are not
 * among them, as they have other files read.
 */
const FORMATS =
  'mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,gif,apng,flv,asf,ogg,mxf,nut,ivf,obu,yuv4mpegpipe,h264,hevc,m4v,mjpeg,rm,dv,webp_pipe,png_pipe,jpeg_pipe';
/** A video that lacks more than so many frames and seconds of what it says of itself ends early. */
const LACKING_FRAMES = 2;
const LACKING_SECONDS = 0.2;

/**
 * Decodes a video's frames as they are asked for: any format ffmpeg reads, turned upright, each frame of
 * the file once with its own time. Ending the loop ends ffmpeg.
 *
 * @param location a file, or a URL that ffmpeg can open.
 * @param onDamage hears of a video that ends early or is damaged; a warning by default.
 * @throws VideoError with ffmpeg's message, AbortedError
 */
export async function* readVideo(
  location: string,
  signal?: AbortSignal,
  onDamage: HearsOfDamage = (message) => warn('VIDEO', message),
): AsyncGenerator<TimedFrame> {
  const output = ['-vsync', 'passthrough', '-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24'];
  const { child, ended } = startFfmpeg(
    [
      ...['-v', 'level+info', ...inputOf(location)],
      ...['-map', '0:v:0', '-vf', 'showinfo', ...output, 'pipe:1'],
    ],
    'ignore',
  );
  const facts = new VideoFacts();
  const log = new FfmpegLog(child.stderr as Readable, (line) => facts.take(line));
  child.once('close', () => facts.end());
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  let index = 0;
  let finished = false;
  try {
    for await (const picture of readPpmStream(child.stdout as Readable)) {
      yield { ...picture, ...(await facts.of(index)) };
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
  if (outcome !== 0 && (index === 0 || typeof outcome === 'string')) {
    throw new VideoError(
      `ffmpeg stopped (${String(outcome)}) after ${index} frames of ${location}: ${log.text}`,
    );
  }
  if (index === 0)
    throw new VideoError(`The video ${location} has no frames${log.text ? ` (${log.text})` : ''}.`);
  const damage =
    log.damage ??
    (outcome !== 0 ? log.text : facts.shortage) ??
    (isVideoUrl(location) ? undefined : await missingEnd(location).catch(() => undefined));
  if (damage !== undefined)
    onDamage(
      `The video ${location} ends early or is damaged; ${index} frames could be read (${damage}).`,
    );
}

function inputOf(location: string): string[] {
  if (isVideoUrl(location)) return ['-protocol_whitelist', URL_PROTOCOLS, '-i', location];
  // Of a picture's name ffmpeg takes %d for a counter, unless the format is said.
  const format = /%.*\.gif$/i.test(location) ? ['-f', 'gif'] : [];
  const only = ['-protocol_whitelist', 'file', '-format_whitelist', FORMATS];
  return [...only, ...format, '-i', ffmpegFile(location)];
}

/** What ffmpeg tells of a video and of each frame: by another pipe than the pixels, a little earlier or later. */
class VideoFacts {
  private readonly times: number[] = [];
  private tick = 1;
  private frameRate: number | undefined;
  private duration: number | undefined;
  private hasOtherStreams = false;
  private ended = false;
  private wake: () => void = () => undefined;

  take(line: string): void {
    const frame = /\bpts:\s*(-?\d+|NOPTS)\s+pts_time:/.exec(line);
    if (frame) {
      this.times.push(frame[1] === 'NOPTS' ? this.next : Number(frame[1]) * this.tick);
      this.wake();
      return;
    }
    const config = /config in time_base:\s*(\d+)\/(\d+), frame_rate:\s*(\d+)\/(\d+)/.exec(line);
    if (config) {
      this.tick = Number(config[1]) / Number(config[2]);
      const rate = Number(config[3]) / Number(config[4]);
      if (rate > 0 && Number.isFinite(rate)) this.frameRate = rate;
    }
    const length = /^\[info\]\s+Duration: (\d+):(\d+):([\d.]+), start: (-?[\d.]+)/.exec(line);
    if (length)
      this.duration = Number(length[1]) * 3600 + Number(length[2]) * 60 + Number(length[3]);
    if (/^\[info\]\s+Stream #0:\d+.*: (Audio|Subtitle|Data):/.test(line))
      this.hasOtherStreams = true;
  }

  /** No line comes after this. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  /** The time of a frame, waited for, and the video's rate. */
  async of(index: number): Promise<Pick<TimedFrame, 'time' | 'frameRate'>> {
    while (this.times.length <= index && !this.ended)
      await new Promise<void>((resolve) => (this.wake = resolve));
    const { frameRate } = this;
    const time = this.times[index] ?? this.next;
    return { time, ...(frameRate !== undefined && { frameRate }) };
  }

  /** When a frame comes that does not say. */
  private get next(): number {
    const last = this.times.at(-1);
    return last === undefined ? 0 : last + 1 / (this.frameRate ?? 25);
  }

  /** How much of what the video says of itself is not there. Where there is sound, that may be what is longer. */
  get shortage(): string | undefined {
    const { duration, frameRate, hasOtherStreams, times } = this;
    if (duration === undefined || frameRate === undefined || hasOtherStreams) return undefined;
    const end = times.length === 0 ? 0 : Math.max(...times.slice(-16)) + 1 / frameRate;
    const lacking = duration - end;
    if (lacking <= Math.max(LACKING_SECONDS, LACKING_FRAMES / frameRate)) return undefined;
    return `it says that it lasts ${duration.toFixed(1)} s, its frames end at ${end.toFixed(1)} s`;
  }
}
