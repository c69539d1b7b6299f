import type { CheckpointSource } from './checkpoints/open-checkpoint';
import { BundledModel } from './checkpoints/checkpoint-files';
import { checkEngineOptions } from './engines/create-engine';
import { throwIfAborted, unlessAborted } from './base/abort';
import type { ImageInput } from './images/image-input';
import type { PainterLoadOptions } from './models/seggpt/painter';
import { PreparedPrompts } from './tasks/in-context/prepared-prompts';
import { type Prompt, readPrompts, readTarget } from './tasks/in-context/prompts';
import type { SegmentationResult } from './tasks/in-context/result';
import { resolveOptions } from './tasks/in-context/pipeline';
import { InContextSegmenter, type SegmentOptions } from './tasks/in-context/segmenter';

export interface SegmentInContextOptions
  extends SegmentOptions, Omit<PainterLoadOptions, 'signal' | 'onProgress'> {
  /** The model to use. @default the bundled one */
  readonly model?: CheckpointSource;
}

/** Models in use, or still loading. */
const shared = new Set<{
  readonly model: unknown;
  readonly settings: string;
  readonly loading: Promise<InContextSegmenter>;
}>();

/**
 * Segments a target by example, in one call. The model is loaded once and kept for further calls with
 * the same model, backend, precision and threads; {@link releaseModels} frees it.
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
  throwIfAborted(options.signal);
  // Everything is read and checked before a model is loaded.
  checkEngineOptions(options.backend, options);
  const resolved = resolveOptions(options);
  const set = await readPrompts(prompts, options);
  const image = await readTarget(target, options);
  const segmenter = await sharedSegmenter(options);
  const prepared = await PreparedPrompts.create(segmenter.painter, set, resolved, options);
  try {
    return await prepared.segmentImage(image, options);
  } finally {
    prepared.dispose();
  }
}

/** Frees the models that {@link segmentInContext} keeps. The next call loads anew. */
export async function releaseModels(): Promise<void> {
  const loading = Array.from(shared, (each) => each.loading);
  shared.clear();
  for (const segmenter of await Promise.allSettled(loading)) {
    if (segmenter.status === 'fulfilled') segmenter.value.dispose();
  }
}

function sharedSegmenter(options: SegmentInContextOptions): Promise<InContextSegmenter> {
  const { model: source = BundledModel, signal, onProgress, ...rest } = options;
  const { backend, precision, threads } = rest;
  const model = source instanceof URL ? String(source) : source;
  const settings = JSON.stringify([backend, precision, threads]);
  for (const each of shared) {
    if (each.model === model && each.settings === settings)
      return unlessAborted(each.loading, signal);
  }
  // Other calls may wait for the same model, so one call's signal must not stop the loading.
  const loading = InContextSegmenter.load(model, { ...rest, onProgress });
  const entry = { model, settings, loading };
  shared.add(entry);
  loading.catch(() => shared.delete(entry));
  return unlessAborted(loading, signal);
}
