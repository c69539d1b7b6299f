import { SegGptError } from './seggpt-error';

/** A backend is not available here, or failed while it ran. */
export class BackendError extends SegGptError {
  override name = 'BackendError';

  constructor(message: string, options?: ErrorOptions) {
    super('BACKEND', message, options);
  }
}
