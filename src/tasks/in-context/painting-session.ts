import { throwIfAborted } from '../../base/abort';
import type { RunOptions } from '../../base/progress';
import type { ColorMapping } from '../../colors/color-mapping';
import { denormalizeColors, normalizeColors } from '../../models/seggpt/normalize';
import type { Task } from '../../models/seggpt/model';
import type { Painter } from '../../models/seggpt/painter';
import type { PaintingContext } from '../../models/seggpt/painting-context';
import { countBlocks } from './count-blocks';
import type { HalfSize } from './half-canvas';
import type { PaintedPass, Pass } from './passes';

/** A prompt at the size of half a canvas. Its mask is drawn anew for every colour mapping. */
export interface HalfPrompt {
  /** `(height, width, 3)` RGB 8-bit. */
  readonly image: Uint8Array;
  /** `(height, width, 3)` RGB 8-bit. */
  drawMask(mapping: ColorMapping): Uint8Array;
}

export interface SessionPlan {
  readonly size: HalfSize;
  readonly task: Task;
  readonly passes: readonly Pass[];
  /** Join all prompts under one target (feature ensemble), or paint once by each. */
  readonly joinPrompts: boolean;
}

/**
 * Prompts prepared for painting, pass by pass and colouring by colouring: what segmenting by example and tracking have
 * in common. Owns the painter's contexts; free it with `dispose()`.
 */
export class PaintingSession {
  private constructor(
    private readonly painter: Painter,
    readonly plan: SessionPlan,
    /** One for each mapping of each pass. */
    private readonly contexts: readonly (readonly PaintingContext[])[],
  ) {}

  /** Computes everything that depends on the prompts alone. @throws AbortedError, DisposedError */
  static async prepare(
    painter: Painter,
    prompts: readonly HalfPrompt[],
    plan: SessionPlan,
    run: RunOptions = {},
  ): Promise<PaintingSession> {
    const { size, task, joinPrompts } = plan;
    const onProgress = countBlocks(
      'prepare',
      plan.passes,
      painter.config.mergeIndex + 1,
      run.onProgress,
    );
    const images = joinHalves(prompts.map(({ image }) => image));
    const made: PaintingContext[] = [];
    try {
      const contexts: PaintingContext[][] = [];
      for (const { mappings } of plan.passes) {
        const ofPass: PaintingContext[] = [];
        contexts.push(ofPass);
        for (const mapping of mappings) {
          const masks = joinHalves(prompts.map((prompt) => prompt.drawMask(mapping)));
          const context = await painter.prepare(
            { count: prompts.length, ...size, images, masks },
            { task, joinPrompts },
            { signal: run.signal, onProgress },
          );
          made.push(context);
          ofPass.push(context);
        }
      }
      return new PaintingSession(painter, plan, contexts);
    } catch (error) {
      for (const context of made) context.dispose();
      throw error;
    }
  }

  /**
   * Paints one target in every pass and colouring.
   *
   * @param half `(height, width, 3)` RGB 8-bit, of the plan's size.
   * @throws AbortedError, DisposedError
   */
  async paint(half: Uint8Array, { signal, onProgress }: RunOptions = {}): Promise<PaintedPass[]> {
    throwIfAborted(signal);
    const { passes, size } = this.plan;
    const report = countBlocks('paint', passes, this.painter.config.depth, onProgress);
    const target = normalizeColors(half);
    const painted: PaintedPass[] = [];
    for (const [p, { labels, mappings }] of passes.entries()) {
      const paintings = [];
      for (const [m, mapping] of mappings.entries()) {
        const values = await this.painter.paintTarget(this.contexts[p][m], target, {
          signal,
          onProgress: report,
        });
        for (let at = 0; at < values.length; at += target.length) {
          const data = denormalizeColors(values.subarray(at, at + target.length));
          paintings.push({ ...size, mapping, data });
        }
      }
      painted.push({ labels, paintings });
    }
    return painted;
  }

  /** Frees what was prepared. Calling it again does nothing. */
  dispose(): void {
    for (const ofPass of this.contexts) for (const context of ofPass) context.dispose();
  }
}

/** Halves `(height, width, 3)` 8-bit → `(N, height, width, 3)` normalised colours. */
function joinHalves(halves: readonly Uint8Array[]): Float32Array {
  const joined = new Float32Array(halves.reduce((sum, half) => sum + half.length, 0));
  let at = 0;
  for (const half of halves) {
    joined.set(normalizeColors(half), at);
    at += half.length;
  }
  return joined;
}
