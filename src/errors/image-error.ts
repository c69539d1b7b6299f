import { SegGptError } from './seggpt-error';

/** An image could not be read, or is of a kind that is refused (truncated, empty, too large, …). */
export class ImageError extends SegGptError {
  override name = 'ImageError';

  constructor(message: string, options?: ErrorOptions) {
    super('IMAGE', message, options);
  }
}
