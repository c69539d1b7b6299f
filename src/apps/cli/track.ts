import { stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { progress } from '@clack/prompts';
import { encodeGreyPng } from '../../entries/masks';
import { annotationKinds } from '../../entries/annotations';
import {
  containerOf,
  createFrameWriter,
  type FrameWriter,
  listFrames,
  openFrames,
  videoContainers,
} from '../../entries/video';
import {
  AbortedError,
  InContextSegmenter,
  type SegmentationResult,
  type TrackPrompts,
} from '../../index';
import type { WithConcept } from './concept';
import { loadOptions, type TrackOptionFlags, trackOptions } from './library-options';
import { isSamePlace, writeOutput } from './output';
import { asPrompts, expandPrompts, type PromptFlag, type PromptPair } from './prompt-pairs';
import { Reporter } from './reporter';
import { AnnotationFolder } from './save-annotations';
import type { ModelFlags } from './segment';
import { UsageError } from './usage-error';
import { namingPrompts, type Wording } from './wording';

export const trackSaveKinds = ['labels', 'overlay', 'davis', ...annotationKinds] as const;

/** Frames a second of a video that is written from a directory of pictures. */
const DIRECTORY_RATE = 25;

export interface TrackFlags extends ModelFlags, TrackOptionFlags {
  readonly prompt?: readonly PromptFlag[];
  /** Path of a concept. */
  readonly concept?: string;
  readonly firstMask?: string;
  readonly out: string;
  readonly fps?: number;
  readonly save: readonly (typeof trackSaveKinds)[number][];
}

/** Tracks through a video or a directory of frames. @returns the exit code. */
export async function track(
  source: string,
  flags: TrackFlags & WithConcept,
  wording: Wording,
  signal: AbortSignal,
): Promise<number> {
  const reporter = new Reporter(flags.json);
  const video = await videoOf(flags.out);
  const written = video ?? (flags.save.includes('davis') ? join(flags.out, 'davis') : null);
  if (written && (await isSamePlace(source, written)))
    throw new UsageError(`--out: "${written}" is what is read; choose another.`);
  const given = await expandPrompts(flags.prompt ?? [], (line) => reporter.note(line));
  const prompts = [...flags.examples, ...given];
  const segmenter = await InContextSegmenter.load(flags.model, {
    ...loadOptions(flags),
    signal,
    onProgress: reporter.onProgress,
  });
  reporter.line(`model ${flags.model}, backend ${segmenter.engine}`);
  const directory = (await stat(source).catch(() => null))?.isDirectory() ?? false;
  const paths = directory ? await listFrames(source) : [];
  const names = paths.map((path) => basename(path, extname(path)));
  const sink = await FrameSink.open(video, flags);
  const bar =
    process.stderr.isTTY && !flags.json
      ? progress({ max: names.length || 1, output: process.stderr })
      : null;
  bar?.start('Tracking');
  const failed: { frame: number; error: string }[] = [];
  const began = performance.now();
  let count = 0;
  let damage: string | undefined;
  try {
    const options = { ...trackOptions(flags), signal };
    const frames = sink.watch(
      openFrames(source, signal, (message) => {
        damage = message;
        reporter.note(`warning: ${message}`);
      }),
    );
    const follow = async () => {
      for await (const tracked of segmenter.track(promptsOf(prompts, flags), frames, options)) {
        const { index, time, result, error } = tracked;
        count++;
        const rate = (count * 1000) / (performance.now() - began);
        bar?.advance(
          names.length ? 1 : 0,
          `frame ${count}${names.length ? ` of ${names.length}` : ''}, ${rate.toFixed(1)} frames/s`,
        );
        if (!result) {
          failed.push({ frame: index, error: wording.inFlags(error.message) });
          continue;
        }
        const name = names[index] ?? String(index).padStart(5, '0');
        const file = directory ? paths[index] : `${name}.png`;
        await sink.put(name, file, result, time ?? index / (flags.fps ?? DIRECTORY_RATE));
      }
    };
    await namingPrompts({ prompts, firstMask: flags.firstMask }, follow);
    await sink.close();
  } catch (error) {
    sink.abort();
    if (error instanceof AbortedError) await sink.writeAnnotations();
    throw error;
  } finally {
    bar?.stop('Tracked');
    segmenter.dispose();
  }
  const seconds = (performance.now() - began) / 1000;
  for (const { frame, error } of failed) process.stderr.write(`failed: frame ${frame}: ${error}\n`);
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ model: flags.model, backend: segmenter.engine, prompts: prompts.map(({ image, mask }) => ({ image, mask })), frames: count, seconds, failed, ...(damage && { damage }), objects: sink.objects }, null, 1)}\n`,
    );
  } else {
    process.stdout.write(
      `${count} frames, ${(count / seconds).toFixed(1)} frames/s, saved to ${flags.out}\n`,
    );
  }
  return failed.length > 0 || damage !== undefined ? 1 : 0;
}

/** The video to write, if `--out` names one. @throws UsageError for kinds of files that cannot be written. */
async function videoOf(out: string): Promise<string | null> {
  const isDirectory =
    /[/\\]$/.test(out) || (await stat(out).catch(() => null))?.isDirectory() === true;
  const container = containerOf(out);
  if (isDirectory || !container) return null;
  if (container !== 'other') return out;
  throw new UsageError(
    `--out: cannot write "${out}"; a video is .${videoContainers.slice(0, -1).join(', .')} or .${videoContainers.at(-1)}, and a directory ends with a slash or nothing.`,
  );
}

/** What to follow: the given prompts, or the first frame by its mask, or both. */
function promptsOf(pairs: readonly PromptPair[], { firstMask }: TrackFlags): TrackPrompts {
  const prompts = asPrompts(pairs);
  return firstMask === undefined ? prompts : { firstMask, prompts };
}

/** Writes each frame as it comes; annotations that are one file of all frames wait for the end. */
class FrameSink {
  private writer: FrameWriter | undefined;
  /** Frames a second that the source states. */
  private sourceRate: number | undefined;
  /** Frames each object was seen in. */
  readonly objects: Record<string, number> = {};

  private constructor(
    private readonly video: string | null,
    private readonly flags: TrackFlags,
    private readonly directory: string,
    private readonly annotations: AnnotationFolder,
  ) {}

  static async open(video: string | null, flags: TrackFlags): Promise<FrameSink> {
    const directory = video ? `${video.replace(/\.\w+$/, '')}-frames` : flags.out;
    return new FrameSink(video, flags, directory, new AnnotationFolder(directory, flags.save));
  }

  /** Looks at frames on their way to be tracked: a video that is written has the source's rate. */
  async *watch<Frame>(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    for await (const frame of frames) {
      this.sourceRate ??= (frame as { readonly frameRate?: number }).frameRate;
      yield frame;
    }
  }

  /** @param file what annotations call the frame's picture. */
  async put(name: string, file: string, result: SegmentationResult, time: number): Promise<void> {
    const { save, fps } = this.flags;
    for (const { name: label, present } of result.masks)
      this.objects[label] = (this.objects[label] ?? 0) + Number(present);
    const { width, height } = result;
    if (this.video) {
      this.writer ??= createFrameWriter(this.video, width, height, {
        constantRate: fps,
        nominalRate: this.sourceRate ?? DIRECTORY_RATE,
      });
      await this.writer.write(result.overlay().data, time);
    } else if (save.includes('overlay')) {
      await writeOutput(
        join(this.directory, `${name}.overlay.png`),
        await result.overlay().toPng(),
      );
    }
    const labels = () => encodeGreyPng(result.labelMap.data, width, height);
    if (save.includes('labels'))
      await writeOutput(join(this.directory, `${name}.labels.png`), await labels());
    // DAVIS's result layout: one label map a frame under the frame's own name.
    if (save.includes('davis'))
      await writeOutput(join(this.directory, 'davis', `${name}.png`), await labels());
    await this.annotations.add(file, name, result);
  }

  async close(): Promise<void> {
    await this.writer?.close();
    await this.writeAnnotations();
  }

  /** Writes what is collected of the frames so far. */
  writeAnnotations(): Promise<void> {
    return this.annotations.finish();
  }

  abort(): void {
    this.writer?.abort();
  }
}
