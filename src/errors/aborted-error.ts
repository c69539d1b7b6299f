import { SegGptError } from './seggpt-error';

/**
 * The caller's `AbortSignal` fired. `name` is `'AbortError'`, as the platform's own APIs have it, and
 * `cause` is the signal's reason.
 */
export class AbortedError extends SegGptError {
  override name = 'AbortError';

  constructor(signal: AbortSignal) {
    super('ABORTED', 'The operation was aborted by its signal.', { cause: signal.reason });
  }
}

/** @throws AbortedError if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError(signal);
}
