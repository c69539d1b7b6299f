import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import {
  type ClickPrompt,
  type EverythingOptions,
  ImageError,
  type InteractiveMask,
  InteractiveSegmenter,
} from '../../index';
import { everythingSchema } from '../../entries/options';
import { loadOptions } from './library-options';
import { writeOutput } from './output';
import { Reporter } from './reporter';
import { distinctNames, type ModelFlags } from './segment';
import { expandTargets } from './targets';

export const interactiveSaveKinds = ['overlay', 'masks', 'json'] as const;
type SaveKind = (typeof interactiveSaveKinds)[number];

interface InteractiveFlags extends ModelFlags {
  readonly out: string;
  readonly save: readonly SaveKind[];
}

/** A mask as SAM's own `amg.py` writes it. */
function asJson(mask: InteractiveMask) {
  return {
    ...{ segmentation: mask.toRLE(), area: mask.area, bbox: mask.box },
    ...{ predicted_iou: mask.predictedIou, stability_score: mask.stabilityScore },
  };
}

/** Segments what clicks, a box or both show in one picture. @returns the exit code. */
export async function click(
  file: string,
  prompt: ClickPrompt,
  flags: InteractiveFlags & { readonly multimask: boolean },
  signal: AbortSignal,
): Promise<number> {
  const { multimask } = flags;
  return run([file], flags, signal, async (picture) => [
    ...(await picture.segment(prompt, { multimask, signal })).masks,
  ]);
}

/** Finds every object and part in pictures. One that cannot be read does not stop the rest. @returns the exit code. */
export async function everything(
  targets: readonly string[],
  flags: InteractiveFlags & EverythingOptions,
  signal: AbortSignal,
): Promise<number> {
  const names = Object.keys(everythingSchema) as (keyof typeof everythingSchema)[];
  const options = Object.fromEntries(names.map((name) => [name, flags[name]]));
  return run(targets, flags, signal, async (picture, onProgress) => {
    const found: InteractiveMask[] = [];
    for await (const mask of picture.everything({ ...options, signal, onProgress }))
      found.push(mask);
    return found;
  });
}

type Encoded = Awaited<ReturnType<InteractiveSegmenter['encode']>>;

async function run(
  given: readonly string[],
  flags: InteractiveFlags,
  signal: AbortSignal,
  find: (picture: Encoded, onProgress: Reporter['onProgress']) => Promise<InteractiveMask[]>,
): Promise<number> {
  const reporter = new Reporter(flags.json);
  const { onProgress } = reporter;
  const targets = await expandTargets(given, (line) => reporter.note(line));
  const model = flags.model === 'bundled' ? undefined : flags.model;
  const segmenter = await InteractiveSegmenter.load(model, {
    ...loadOptions(flags),
    ...{ signal, onProgress },
  });
  const rows: unknown[] = [];
  const failed: { file: string; error: string }[] = [];
  try {
    const names = distinctNames(targets);
    for (const [i, file] of targets.entries()) {
      const start = performance.now();
      const picture = await segmenter.encode(file, { signal, onProgress }).catch((error) => {
        if (!(error instanceof ImageError)) throw error;
        failed.push({ file, error: error.message });
        reporter.note(`failed: ${file}: ${error.message}`);
        return null;
      });
      if (!picture) continue;
      const masks = await find(picture, onProgress);
      const seconds = (performance.now() - start) / 1000;
      const files = await save(picture, masks, join(flags.out, names[i]), flags.save);
      reporter.finish();
      if (flags.json) {
        rows.push({
          ...{ target: file, width: picture.width, height: picture.height, seconds, files },
          masks: masks.map(asJson),
        });
      } else {
        const [best] = masks;
        const what =
          masks.length === 1
            ? `${best.area} px, expected IoU ${best.predictedIou.toFixed(2)}`
            : `${masks.length} masks`;
        process.stdout.write(`${file}  ${seconds.toFixed(2)} s  ${what}\n`);
      }
    }
  } finally {
    reporter.finish();
    segmenter.dispose();
  }
  if (flags.json) process.stdout.write(`${JSON.stringify({ results: rows, failed }, null, 1)}\n`);
  else if (failed.length < targets.length) process.stderr.write(`saved to ${flags.out}\n`);
  return failed.length > 0 ? 1 : 0;
}

async function save(
  picture: Encoded,
  masks: readonly InteractiveMask[],
  base: string,
  kinds: readonly SaveKind[],
): Promise<string[]> {
  const files: string[] = [];
  const write = async (suffix: string, bytes: Uint8Array) => {
    const path = `${base}.${suffix}`;
    await writeOutput(path, bytes);
    files.push(path);
  };
  if (kinds.includes('overlay')) await write('overlay.png', await picture.overlay(masks).toPng());
  if (kinds.includes('masks'))
    for (const [i, mask] of masks.entries()) await write(`mask-${i + 1}.png`, await mask.toPng());
  if (kinds.includes('json'))
    await write('masks.json', new TextEncoder().encode(JSON.stringify(masks.map(asJson))));
  return files;
}
