import type { MergedFits } from '../in-context/passes';

/** An earlier frame with what was found in it, at the size of half a canvas. */
export interface RememberedFrame {
  /** `(height, width, 3)` RGB 8-bit. */
  readonly image: Uint8Array;
  readonly fits: MergedFits;
  /** Mean score of what was found, 0 … 1. */
  readonly score: number;
}

/** The last few frames worth remembering. Holds at most `capacity`. */
export class MemoryBank {
  private frames: RememberedFrame[] = [];
  /** Changes whenever the frames do, so that what was computed from them can be kept until then. */
  version = 0;

  constructor(
    readonly capacity: number,
    private readonly selection: 'recent' | 'distinct',
  ) {}

  /** Oldest first. */
  get entries(): readonly RememberedFrame[] {
    return this.frames;
  }

  add(frame: RememberedFrame): void {
    if (this.capacity === 0) return;
    this.frames.push(frame);
    if (this.frames.length > this.capacity) this.frames.splice(this.leastUseful(), 1);
    this.version++;
  }

  clear(): void {
    if (this.frames.length > 0) this.version++;
    this.frames = [];
  }

  /** The oldest, or the one that is least sure and most like another. The newest always stays. */
  private leastUseful(): number {
    if (this.selection === 'recent') return 0;
    let least = 0;
    let lowest = Infinity;
    for (let i = 0; i < this.frames.length - 1; i++) {
      const others = this.frames.filter((_, j) => j !== i);
      const difference = Math.min(
        ...others.map(({ image }) => pictureDistance(image, this.frames[i].image)),
      );
      const usefulness = this.frames[i].score * difference;
      if (usefulness < lowest) [least, lowest] = [i, usefulness];
    }
    return least;
  }
}

/** Mean difference of two pictures of one size, over every 7th value. */
function pictureDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 7) sum += Math.abs(a[i] - b[i]);
  return sum / Math.ceil(a.length / 7);
}
