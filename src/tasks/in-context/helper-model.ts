import { unlessAborted } from '../../base/abort';
import type { RunOptions } from '../../base/progress';
import { BundledContextDecoder, BundledInteractiveModel } from '../../checkpoints/checkpoint-files';
import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import type { RgbImage } from '../../images/rgb-image';
import type { SamLoadOptions } from '../../models/sam/sam';
import type { Quality } from './options';
import type { ContextModel } from './context-session';
import type { InteractiveModel } from '../interactive/encode-image';
import type { EncodedImage } from '../interactive/encoded-image';

/**
 * The models that help the painter, to read prompts by clicks, to sharpen masks and to tell what things are. They are loaded when they are first
 * needed, once.
 */
export class HelperModel {
  private loading: Promise<InteractiveModel> | undefined;
  private loadingContext: Promise<ContextModel> | undefined;
  /** The bundled encoder, where another model answers clicks. */
  private bundled: HelperModel | undefined;
  private disposed = false;

  constructor(
    private readonly source: CheckpointSource = BundledInteractiveModel,
    private readonly options: SamLoadOptions = {},
    /** Whether a painter that is not told otherwise is joined by the context decoder. */
    readonly quality: Quality = 'fast',
  ) {}

  /** A picture's features. @throws what loading throws; AbortedError */
  async encode(image: RgbImage, run: RunOptions = {}): Promise<EncodedImage> {
    const { encodeImage } = await import('../interactive/encode-image');
    return encodeImage(await this.load(run), image, run);
  }

  /**
   * The context decoder, with the bundled encoder whose features it reads.
   *
   * @throws what loading throws; AbortedError
   */
  async context(run: RunOptions = {}): Promise<ContextModel> {
    if (this.source !== BundledInteractiveModel) {
      this.bundled ??= new HelperModel(BundledInteractiveModel, this.options);
      return this.bundled.context(run);
    }
    if (!this.loadingContext) {
      const loading = this.loadContext(run);
      this.loadingContext = loading;
      loading.catch(() => (this.loadingContext = undefined));
    }
    return unlessAborted(this.loadingContext, run.signal);
  }

  private async loadContext({ onProgress }: RunOptions): Promise<ContextModel> {
    const { openCheckpoint } = await import('../../checkpoints/open-checkpoint');
    const { ContextDecoder } = await import('../../models/context/context-decoder');
    const { contextModel } = await import('./context-session');
    const { sam } = await this.load({ onProgress });
    sam.checkAlive(); // it may have been disposed while it was loaded
    const checkpoint = await openCheckpoint(BundledContextDecoder, this.options);
    try {
      return contextModel(sam, await ContextDecoder.load(sam.engine, checkpoint));
    } finally {
      await checkpoint.close();
    }
  }

  /** The interactive model, loaded once. */
  private async load(run: RunOptions): Promise<InteractiveModel> {
    const { loadInteractiveModel } = await import('../interactive/encode-image');
    if (!this.loading) {
      // Other calls may wait for it, so one call's signal must not stop the loading.
      const options = { ...this.options, onProgress: run.onProgress, signal: undefined };
      const loading = loadInteractiveModel(this.source, options);
      this.loading = loading;
      loading.then(
        ({ sam }) => this.disposed && sam.dispose(),
        () => (this.loading = undefined),
      );
    }
    return unlessAborted(this.loading, run.signal);
  }

  /** Frees the model, if it was loaded. Calling it again does nothing. */
  dispose(): void {
    this.disposed = true;
    this.bundled?.dispose();
    void this.loading?.then(
      ({ sam }) => sam.dispose(),
      () => undefined,
    );
  }
}
