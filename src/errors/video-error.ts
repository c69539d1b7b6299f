import { SegGptError } from './seggpt-error';

/** A video could not be read or written; the message holds what the decoder said. */
export class VideoError extends SegGptError {
  override name = 'VideoError';

  constructor(message: string, options?: ErrorOptions) {
    super('VIDEO', message, options);
  }
}
