import { type LabelRaster, putRect } from './label-raster';
import type { Rect } from './rect';

/** One change of a label map: what a rectangle held before and after, and what else goes back and forth with it. */
export interface Step<Extra> {
  readonly rect: Rect;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly extraBefore: Extra;
  readonly extraAfter: Extra;
}

/** Bytes that the steps of one picture may keep; the oldest go first. */
const MOST_BYTES = 48_000_000;

/** Undo and redo of one picture. It keeps rectangles, not pictures, and a bounded number of bytes. */
export class History<Extra> {
  private readonly done: Step<Extra>[] = [];
  private undone: Step<Extra>[] = [];
  private bytes = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Remembers a change that was made. What was undone before can no longer be redone. */
  push(step: Step<Extra>): void {
    for (const each of this.undone) this.bytes -= sizeOf(each);
    this.undone = [];
    this.done.push(step);
    this.bytes += sizeOf(step);
    while (this.bytes > this.mostBytes && this.done.length > 1)
      this.bytes -= sizeOf(this.done.shift()!);
  }

  /** Takes the last change back. @returns the step; `undefined` if there is none. */
  undo(raster: LabelRaster): Step<Extra> | undefined {
    const step = this.done.pop();
    if (!step) return undefined;
    putRect(raster, step.rect, step.before);
    this.undone.push(step);
    return step;
  }

  /** Makes the last change that was taken back again. @returns the step; `undefined` if there is none. */
  redo(raster: LabelRaster): Step<Extra> | undefined {
    const step = this.undone.pop();
    if (!step) return undefined;
    putRect(raster, step.rect, step.after);
    this.done.push(step);
    return step;
  }
}

function sizeOf({ before, after }: Step<unknown>): number {
  return before.length + after.length;
}
