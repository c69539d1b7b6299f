import { SegGptError } from './seggpt-error';

/** Something was used after its `dispose()`. */
export class DisposedError extends SegGptError {
  override name = 'DisposedError';

  constructor(message: string, options?: ErrorOptions) {
    super('DISPOSED', message, options);
  }
}
