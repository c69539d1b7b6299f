import { throwIfAborted, unlessAborted } from './base/abort';
import { EngineLostError } from './base/errors';
import { guarded } from './base/guard';
import { resolveOptions } from './base/options';
import { BundledModel } from './checkpoints/checkpoint-files';
import type { CheckpointSource } from './checkpoints/open-checkpoint';
import { checkEngineOptions } from './engines/engine-options';
import type { ImageInput } from './images/image-input';
import type { RgbImage } from './images/rgb-image';
import type { PainterLoadOptions } from './models/seggpt/painter';
import { type ResolvedOptions, segmentationSchema } from './tasks/in-context/options';
import { checkKnownOptions } from './tasks/known-options';
import { areMasked, maskedPrompts } from './tasks/in-context/masked-prompts';
import { PreparedPrompts } from './tasks/in-context/prepared-prompts';
import { type Prompt, type PromptSet, readPrompts, readTarget } from './tasks/in-context/prompts';
import type { SegmentationResult } from './tasks/in-context/result';
import { InContextSegmenter, type SegmentOptions } from './tasks/in-context/segmenter';

/** What {@link segmentInContext} takes: everything of loading, reading and segmenting. */
export interface SegmentInContextOptions
  extends SegmentOptions, Omit<PainterLoadOptions, 'signal' | 'onProgress'> {
  /** The model to use. @default the bundled one */
  readonly model?: CheckpointSource;
  /** The model for prompts by clicks and for `refine: 'sam'`, by name. @default the bundled MobileSAM */
  readonly interactiveModel?: string | URL;
}

/** Most models that are kept; the one not used for longest goes first. */
const MOST_KEPT = 4;

/** A model in use, kept for further calls, or still loading. */
interface KeptModel {
  readonly model: CheckpointSource;
  readonly settings: string;
  readonly loading: Promise<InContextSegmenter>;
  /** Calls that use it now. */
  users: number;
}

/** Least recently used first. */
let kept: KeptModel[] = [];

/**
 * Segments a target by example, in one call. The model is loaded once and kept for further calls with the same model
 * and the same options of loading it; at most four are kept, and {@link releaseModels} frees them. A model whose engine was
 * lost, as by a worker that ended, is loaded anew, once a call.
 *
 * @param prompts example pictures with their masks.
 * @param target the picture to segment.
 * @returns masks at the target's own size.
 * @throws InvalidInputError, ImageError, CheckpointError, DownloadError, BackendError, AbortedError
 *
 * @example
 * const result = await segmentInContext([{ image: 'cat-1.jpg', mask: 'cat-1.png' }], 'cat-2.jpg');
 * result.masks[0].score; // 0 … 1
 * await result.overlay().save('out.png');
 */
export async function segmentInContext(
  prompts: readonly Prompt[],
  target: ImageInput,
  options: SegmentInContextOptions = {},
): Promise<SegmentationResult> {
  return segmentWithKept(prompts, target, options);
}

const segmentWithKept = guarded(async function (
  prompts: readonly Prompt[],
  target: ImageInput,
  options: SegmentInContextOptions,
): Promise<SegmentationResult> {
  checkKnownOptions(options);
  throwIfAborted(options.signal);
  // Everything is read and checked before a model is loaded, but prompts that need one to be read.
  checkEngineOptions(options);
  const resolved = resolveOptions(segmentationSchema, options);
  const early = areMasked(prompts) ? await readPrompts(prompts, options) : undefined;
  const image = await readTarget(target, options);
  for (let isAgain = false; ; isAgain = true) {
    const entry = keptModel(options);
    entry.users++;
    try {
      return await segmentWith(entry, prompts, early, image, resolved, options);
    } catch (error) {
      if (!(error instanceof EngineLostError)) throw error;
      // Nothing will ever be computed with it again.
      kept = kept.filter((each) => each !== entry);
      void dispose(entry);
      if (isAgain) throw error;
    } finally {
      entry.users--;
      dropSurplus();
    }
  }
});

async function segmentWith(
  entry: KeptModel,
  prompts: readonly Prompt[],
  early: PromptSet | undefined,
  image: RgbImage,
  resolved: ResolvedOptions,
  options: SegmentInContextOptions,
): Promise<SegmentationResult> {
  const { painter, helper } = await unlessAborted(entry.loading, options.signal);
  const set = early ?? (await readPrompts(await maskedPrompts(prompts, helper, options), options));
  const prepared = await PreparedPrompts.create(painter, set, resolved, options, helper);
  try {
    return await prepared.segmentImage(image, options);
  } finally {
    prepared.dispose();
  }
}

/** Frees the models that {@link segmentInContext} keeps. The next call loads anew. */
export async function releaseModels(): Promise<void> {
  const released = kept;
  kept = [];
  await Promise.all(released.map(dispose));
}

function keptModel(options: SegmentInContextOptions): KeptModel {
  const { model: source = BundledModel, onProgress } = options;
  const { backend, precision, threads, deterministic, cache, offline, endpoint, token, sha256 } =
    options;
  const { interactiveModel } = options;
  const loadOptions = {
    ...{ backend, precision, threads, deterministic, cache, offline, endpoint, token, sha256 },
    ...(interactiveModel !== undefined && { interactiveModel: String(interactiveModel) }),
  };
  const model = source instanceof URL ? String(source) : source;
  const settings = JSON.stringify(loadOptions);
  const known = kept.find((each) => each.model === model && each.settings === settings);
  // Other calls may wait for the same model, so one call's signal must not stop the loading.
  const entry = known ?? {
    model,
    settings,
    loading: InContextSegmenter.load(model, { ...loadOptions, onProgress }),
    users: 0,
  };
  kept = [...kept.filter((each) => each !== entry), entry];
  if (!known) entry.loading.catch(() => (kept = kept.filter((each) => each !== entry)));
  return entry;
}

/** Lets go of models beyond the most that are kept, the least recently used first, never one at work. */
function dropSurplus(): void {
  const surplus = kept
    .filter(({ users }) => users === 0)
    .slice(0, Math.max(0, kept.length - MOST_KEPT));
  kept = kept.filter((each) => !surplus.includes(each));
  for (const each of surplus) void dispose(each);
}

async function dispose({ loading }: KeptModel): Promise<void> {
  const [outcome] = await Promise.allSettled([loading]);
  if (outcome.status === 'fulfilled') outcome.value.dispose();
}
