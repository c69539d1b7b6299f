import { basename, extname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { encodeGreyPng, readPrompts } from '../../entries/masks';
import { annotationKinds } from '../../entries/annotations';
import {
  type MaskPrompt,
  AbortedError,
  type BackendChoice,
  InContextSegmenter,
  type Mask,
  OutputError,
  type Precision,
  SegGptError,
  type SegmentationResult,
  type SegmentOptions,
} from '../../index';
import type { WithConcept } from './concept';
import { loadOptions, segmentOptions } from './library-options';
import { writeOutput } from './output';
import { asPrompts, expandPrompts, type PromptFlag, type PromptPair } from './prompt-pairs';
import { Reporter } from './reporter';
import { AnnotationFolder } from './save-annotations';
import { expandTargets } from './targets';
import { namingPrompts, type Wording } from './wording';

export const saveKinds = ['labels', 'overlay', 'painting', 'masks', ...annotationKinds] as const;
type SaveKind = (typeof saveKinds)[number];

export interface ModelFlags {
  readonly model: string;
  readonly backend: BackendChoice;
  readonly precision?: Precision;
  readonly threads?: number;
  readonly cache?: string;
  readonly offline: boolean;
  readonly json: boolean;
}

export interface SegmentFlags extends ModelFlags, Omit<SegmentOptions, 'signal' | 'onProgress'> {
  readonly prompt?: readonly PromptFlag[];
  /** Path of a concept. */
  readonly concept?: string;
  readonly out: string;
  readonly save: readonly SaveKind[];
}

/** Segments every target with one preparation. A target that fails does not stop the rest. @returns the exit code. */
export async function segment(
  given: readonly string[],
  flags: SegmentFlags & WithConcept,
  wording: Wording,
  signal: AbortSignal,
): Promise<number> {
  const reporter = new Reporter(flags.json);
  const tell = (line: string) => reporter.note(line);
  const prompts = [...flags.examples, ...(await expandPrompts(flags.prompt ?? [], tell))];
  const targets = await expandTargets(given, tell);
  const run = { signal, onProgress: reporter.onProgress };
  const options = { ...segmentOptions(flags), signal };
  // Bad prompts are told before a model is loaded.
  if (prompts.every(({ clicks }) => !clicks))
    await namingPrompts({ prompts }, () =>
      readPrompts(asPrompts(prompts) as MaskPrompt[], options),
    );
  const segmenter = await InContextSegmenter.load(flags.model, { ...loadOptions(flags), ...run });
  // Of each result only this stays: there may be thousands of targets.
  const done: ReturnType<typeof row>[] = [];
  const annotations = new AnnotationFolder(flags.out, flags.save);
  const failed: { file: string; error: string }[] = [];
  try {
    const prepared = await segmenter.prepare(asPrompts(prompts), { ...options, ...run });
    reporter.line(`model ${flags.model}, backend ${segmenter.engine}, ${prompts.length} prompt(s)`);
    const names = distinctNames(targets);
    for (const [i, file] of targets.entries()) {
      try {
        const start = performance.now();
        const result = await prepared.segment(file, run);
        const seconds = (performance.now() - start) / 1000;
        const files = await save(result, join(flags.out, names[i]), flags.save);
        // An object is an annotation of its own.
        const { width, height, masks, instances } = result;
        const annotated = { width, height, masks: instances ?? masks };
        files.push(...(await annotations.add(file, names[i], annotated)));
        done.push(row(file, result, seconds, files));
        const found = masks.map(({ label, name, area, score }) => {
          const objects = instances?.filter((each) => each.label === label).length;
          const counted = objects === undefined ? '' : `, ${objects} objects`;
          return `${name}: ${area} px, score ${score.toFixed(2)}${counted}`;
        });
        if (!flags.json) {
          reporter.finish();
          process.stdout.write(`${file}  ${seconds.toFixed(2)} s  ${found.join('; ')}\n`);
        }
      } catch (error) {
        const ofTarget = error instanceof SegGptError && !(error instanceof AbortedError);
        if (!ofTarget || error instanceof OutputError) throw error;
        const reason = wording.inFlags(error.message);
        failed.push({ file, error: reason });
        reporter.line(`failed: ${file}: ${reason}`);
      }
    }
    prepared.dispose();
  } catch (error) {
    // What is done is done: its annotations are written, too.
    if (error instanceof AbortedError && done.length > 0) await annotations.finish();
    throw error;
  } finally {
    reporter.finish();
    segmenter.dispose();
  }
  await annotations.finish();
  const files = prompts.map(({ image, mask }) => ({ image, mask }));
  report({ prompts: files, results: done, failed }, segmenter.engine, flags);
  return failed.length > 0 ? 1 : 0;
}

/** What `--json` tells of a target. */
function row(
  target: string,
  { width, height, masks, instances }: SegmentationResult,
  seconds: number,
  files: readonly string[],
) {
  const known = ({ label, name, score, area, box, present, strength }: Mask) => ({
    ...{ label, name, score, area, box, present, strength },
  });
  return {
    ...{ target, width, height, seconds, files, masks: masks.map(known) },
    ...(instances && { instances: instances.map(known) }),
  };
}

interface Report {
  readonly prompts: readonly PromptPair[];
  readonly results: readonly ReturnType<typeof row>[];
  readonly failed: readonly { file: string; error: string }[];
}

function report(all: Report, backend: string, flags: SegmentFlags): void {
  const { results, failed } = all;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ model: flags.model, backend, ...all }, null, 1)}\n`);
  } else if (failed.length > 0) {
    process.stderr.write(`${failed.length} of ${results.length + failed.length} targets failed:\n`);
    for (const { file, error } of failed) process.stderr.write(`  ${file}: ${error}\n`);
  } else {
    process.stderr.write(`saved to ${flags.out}\n`);
  }
}

/** Writes what was asked for, all beginning with `base`. @returns the files written. */
async function save(
  result: SegmentationResult,
  base: string,
  kinds: readonly SaveKind[],
): Promise<string[]> {
  const files: string[] = [];
  const write = async (suffix: string, png: Promise<Uint8Array>) => {
    const path = `${base}.${suffix}.png`;
    await writeOutput(path, await png);
    files.push(path);
  };
  const { width, height } = result;
  const grey = (data: Uint8Array) => encodeGreyPng(data, width, height);
  if (kinds.includes('labels')) await write('labels', grey(result.labelMap.data));
  if (kinds.includes('overlay')) await write('overlay', result.overlay().toPng());
  if (kinds.includes('painting')) await write('painting', result.painting.toPng());
  if (kinds.includes('masks')) {
    for (const mask of result.masks)
      await write(`mask-${mask.label}`, grey(mask.toBinary().map((inside) => inside * 255)));
  }
  return files;
}

/** File names without extension, numbered where targets share one or ask for one that a number made. */
export function distinctNames(targets: readonly string[]): string[] {
  const used = new Set<string>();
  return targets.map((target) => {
    const path =
      /^https?:/i.test(target) && URL.canParse(target) ? new URL(target).pathname : target;
    const stem = shortened(basename(path, extname(path)) || 'target');
    let name = stem;
    for (let count = 2; used.has(name); count++) name = `${stem}-${count}`;
    used.add(name);
    return name;
  });
}

/** Bytes of a name, so that what is added to it and a number fit in the 255 that file systems have. */
const LONGEST_STEM = 200;

/** A name cut at its end to the bytes it may have. */
function shortened(stem: string): string {
  let short = stem;
  while (Buffer.byteLength(short) > LONGEST_STEM) short = short.slice(0, -1);
  return short.replace(/[\ud800-\udbff]$/, ''); // half of a pair
}
