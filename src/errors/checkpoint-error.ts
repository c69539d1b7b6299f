import { SegGptError } from './seggpt-error';

/** A checkpoint is unreadable, damaged, or does not fit the model it is to fill. */
export class CheckpointError extends SegGptError {
  override name = 'CheckpointError';

  constructor(message: string, options?: ErrorOptions) {
    super('CHECKPOINT', message, options);
  }
}
