import type { ImageContext } from '../../models/sam/mask-decoder';
import type { Sam } from '../../models/sam/sam';

/** Pictures whose features stay on the engine, as people go on clicking. */
const KEPT = 2;

interface Kept {
  readonly features: Float32Array;
  readonly context: ImageContext;
  users: number;
}

/** Keeps the features of the last few pictures on a model's engine. */
export class PictureContexts {
  /** Least recently used first. */
  private readonly kept: Kept[] = [];

  constructor(private readonly sam: Sam) {}

  /** Runs `work` with a picture's features on the engine. */
  async use<Result>(
    features: Float32Array,
    work: (context: ImageContext) => Promise<Result>,
  ): Promise<Result> {
    const at = this.kept.findIndex((each) => each.features === features);
    const [found] = at < 0 ? [] : this.kept.splice(at, 1);
    const entry = found ?? { features, context: this.sam.prepare(features), users: 0 };
    this.kept.push(entry);
    entry.users++;
    try {
      return await work(entry.context);
    } finally {
      entry.users--;
      this.evict();
    }
  }

  private evict(): void {
    for (let i = 0; i < this.kept.length && this.kept.length > KEPT; i++) {
      if (this.kept[i].users > 0) continue;
      this.sam.release(this.kept[i].context);
      this.kept.splice(i--, 1);
    }
  }
}
