import { unlessAborted } from '../../base/abort';
import type { RunOptions } from '../../base/progress';
import { BundledInteractiveModel } from '../../checkpoints/checkpoint-files';
import type { CheckpointSource } from '../../checkpoints/open-checkpoint';
import type { RgbImage } from '../../images/rgb-image';
import type { SamLoadOptions } from '../../models/sam/sam';
import type { InteractiveModel } from '../interactive/encode-image';
import type { EncodedImage } from '../interactive/encoded-image';

/**
 * The interactive model that helps the painter, to read prompts by clicks and to sharpen masks. It is loaded when it is first
 * needed, once.
 */
export class HelperModel {
  private loading: Promise<InteractiveModel> | undefined;
  private disposed = false;

  constructor(
    private readonly source: CheckpointSource = BundledInteractiveModel,
    private readonly options: SamLoadOptions = {},
  ) {}

  /** A picture's features. @throws what loading throws; AbortedError */
  async encode(image: RgbImage, run: RunOptions = {}): Promise<EncodedImage> {
    const { encodeImage, loadInteractiveModel } = await import('../interactive/encode-image');
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
    const model = await unlessAborted(this.loading, run.signal);
    return encodeImage(model, image, run);
  }

  /** Frees the model, if it was loaded. Calling it again does nothing. */
  dispose(): void {
    this.disposed = true;
    void this.loading?.then(
      ({ sam }) => sam.dispose(),
      () => undefined,
    );
  }
}
