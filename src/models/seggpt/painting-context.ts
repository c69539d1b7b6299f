import type { Engine, EngineTensor } from '../../engines/engine';
import { DisposedError } from '../../base/errors';
import type { Positions } from './model';
import type { TokenLayout } from './token-layout';

/**
 * Everything a painter computes from prompts alone, ready for any number of targets: the prompts'
 * image tokens, and the mask stream up to the merge. Owns tensors; free it with `dispose()`.
 */
export class PaintingContext {
  private disposed = false;

  constructor(
    private readonly engine: Engine,
    /** How tokens lie: prompts, targets, rows and columns of a half. */
    readonly layout: TokenLayout,
    /** Position tables of the canvas, shared with other contexts of its size. */
    readonly positions: Positions,
    /** `(N * Lh, D)`: prompt halves of the image stream, embedded. */
    private readonly prompts: EngineTensor,
    /** `(R, D)`: the mask stream after block `mergeIndex`. */
    private readonly maskStream: EngineTensor,
    private readonly onDispose: (context: PaintingContext) => void,
  ) {}

  /** @throws DisposedError after `dispose()`. */
  get tokens(): { readonly prompts: EngineTensor; readonly maskStream: EngineTensor } {
    this.checkAlive();
    return { prompts: this.prompts, maskStream: this.maskStream };
  }

  /** @throws DisposedError after `dispose()`. */
  checkAlive(): void {
    if (this.disposed)
      throw new DisposedError('This context was disposed; prepare the prompts again.');
  }

  /** Frees the tensors. Calling it again does nothing. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.engine.dispose(this.prompts, this.maskStream);
    this.onDispose(this);
  }
}
