import type { ContextPrompts } from '../../models/context/context-decoder';
import { type ContextReading, ContextSession } from '../in-context/context-session';
import { planesFor } from '../in-context/join-context';
import type { MergedFits } from '../in-context/passes';

/** What a tracker loads when it is asked to be at its best. */
export { ContextSession };

/** Earlier frames that are remembered beside the last one. */
const KEPT = 3;
/** Every which frame is kept; the last one always is, until the next comes. */
const STRIDE = 4;

/** Frames that the context decoder sees beside the prompts: the last one, and a few earlier ones. */
export class ContextMemory {
  private frames: { readonly index: number; readonly prompts: ContextPrompts }[] = [];

  constructor(private readonly session: ContextSession) {}

  /** Keeps a frame with what was found in it, and frees the reading. */
  async add(reading: ContextReading, fits: MergedFits, labels: readonly number[], index: number) {
    const prompts = await reading.prompt(planesFor(fits, labels, reading.size));
    const spaced = this.frames.filter((frame) => frame.index % STRIDE === 0).slice(-KEPT);
    this.frames = [...spaced, { index, prompts }];
    this.session.remember(this.frames.map((frame) => frame.prompts));
  }

  /** Forgets every frame. */
  clear(): void {
    this.frames = [];
    this.session.remember([]);
  }
}
